import { expect, it } from 'vitest';
import { readTopLevelBoxes } from '../probe/top-level-boxes.js';
import { ffmpeg, makeClip, mediaFolder } from '../test-support/media-files.js';
import { mostIndexBytes } from './index-bytes.js';

const folder = mediaFolder();

const indexOf = async (path: string): Promise<number> =>
  (await readTopLevelBoxes(path)).find(({ type }) => type === 'moov')?.size ?? Number.NaN;

it('is room enough where every frame is shifted, a key frame or shown for another time, and sounds lie between', async () => {
  const sound = { seconds: 20, sampleRate: 48_000 };
  const source = await makeClip(folder.path('source.mp4'), { seconds: 20, sound, rate: '25', size: '32x32' });
  for (const [name, ...extra] of [
    ['plain'],
    ['all-key', '-g', '1'],
    ['shifted', '-bf', '3', '-refs', '4'],
    ['wobbling', '-bf', '2', '-bsf:v', "setts=ts='TS+mod(N,2)'"],
    ['no-sound', '-an'],
    ['many-sounds', '-ar', '48000', '-max_interleave_delta', '1'],
  ] as const) {
    const path = folder.path(`${name}.mp4`);
    await ffmpeg('-v', 'error', '-i', source, '-c:v', 'libx264', '-preset', 'veryfast', '-c:a', 'aac', ...extra, path);
    const seen = await indexOf(path);
    expect(seen, name).toBeGreaterThan(500);
    expect(seen, name).toBeLessThanOrEqual(mostIndexBytes(500, name === 'no-sound' ? undefined : sound) - 8);
    // Room for what is fixed must not be what makes it enough.
    expect(seen - 2048, name).toBeLessThanOrEqual(mostIndexBytes(500, sound) - mostIndexBytes(0));
  }
});
