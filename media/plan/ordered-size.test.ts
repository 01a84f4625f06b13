import { expect, it } from 'vitest';
import { probed } from '../test-support/probed-clips.js';
import { orderedSize } from './ordered-size.js';

const clips = (...sizes: [number, number][]) => sizes.map(([width, height]) => probed({ video: { width, height } }));

it.each<[string, [number, number][], '16:9' | '9:16', string]>([
  [
    '1080p',
    [
      [1920, 1080],
      [1366, 768],
    ],
    '16:9',
    '1920x1080',
  ],
  // Two models that make other widths of the same name.
  [
    '768p',
    [
      [1920, 1080],
      [1364, 768],
      [1366, 768],
      [1366, 768],
    ],
    '16:9',
    '1366x768',
  ],
  ['1080p', [[1080, 1920]], '9:16', '1080x1920'],
  [
    '720p',
    [
      [1920, 1080],
      [1920, 1080],
    ],
    '16:9',
    '1280x720',
  ],
  ['720p', [[1920, 1080]], '9:16', '720x1280'],
  ['768p', [[1920, 1080]], '16:9', '1366x768'],
])('%s of clips of %j, in %s, is %s', (resolution, sizes, aspectRatio, expected) => {
  const { width, height } = orderedSize(clips(...sizes), { resolution, aspectRatio });
  expect(`${width}x${height}`).toBe(expected);
});
