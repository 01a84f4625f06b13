import { describe, expect, test } from 'vitest';
import { MODEL_NAMES, RESOLUTIONS } from './models.js';
import { clipBytes, type MediaOrder, orderBytes } from './storage-estimate.js';

const order = (parts: Partial<MediaOrder>): MediaOrder => ({
  resolution: '1080p',
  transition: 'cut',
  clips: [],
  music: [],
  images: 0,
  ...parts,
});
const clip = { model: 'veo-3.1-fast', durationSeconds: 8, stored: false } as const;
const ONE = clipBytes('veo-3.1-fast', '1080p', 8);
const video = (parts: Partial<MediaOrder>): number => orderBytes(order(parts)) - orderBytes(order({ clips: [] }));

describe('what an order needs in the store', () => {
  test('is 24 Mbit for each second of 1080p', () => {
    expect(ONE).toBe(24_000_000);
  });

  test.each(MODEL_NAMES)('is more the longer and the larger the clips of %s', (model) => {
    expect(clipBytes(model, '720p', 8)).toBe(2 * clipBytes(model, '720p', 4));
    const sizes = RESOLUTIONS.map((resolution) => clipBytes(model, resolution, 6));
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
  });

  test('counts each clip and the video, with its small pictures', () => {
    expect(video({ clips: [clip, clip] })).toBe(4 * ONE + 2_000_000);
  });

  test('counts what is stored only for the video', () => {
    expect(video({ clips: [clip, { ...clip, stored: true }] })).toBe(3 * ONE + 2_000_000);
  });

  test('counts what is encoded to fit: with transitions, and where models differ', () => {
    const encoded = 6 * ONE + 2_000_000;
    expect(video({ clips: [clip, clip], transition: 'fade' })).toBe(encoded);
    expect(video({ clips: [clip, { ...clip, model: 'veo-3' }] })).toBe(encoded);
  });

  test('counts music by the seconds that each piece contains, and images that are still to be fetched', () => {
    expect(orderBytes(order({ music: [8, 16] }))).toBe(24 * 44_100 * 4);
    expect(orderBytes(order({ images: 2 }))).toBe(8_000_000);
  });
});
