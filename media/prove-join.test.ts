import { beforeAll, describe, expect, it } from 'vitest';
import type { VideoStream } from './media-probe.js';
import { proveJoin } from './prove-join.js';
import { makeClip, mediaFolder, tools } from './test-support/media-files.js';

const folder = mediaFolder();
const part: VideoStream = {
  codec: 'h264',
  width: 160,
  height: 90,
  frameRate: { num: 24, den: 1 },
  timeBase: { num: 1, den: 24_000 },
  pixelFormat: 'yuv420p',
  sampleAspectRatio: '1:1',
  rotation: 0,
  durationSeconds: 1,
  frameCount: 24,
};
let sounding: string;
let silent: string;

beforeAll(async () => {
  sounding = await makeClip(folder.path('sounding.mp4'), { seconds: 2, sound: { seconds: 2 } });
  silent = await makeClip(folder.path('silent.mp4'), { seconds: 2 });
});

const prove = (path: string, videos: VideoStream[], hasSound: boolean) =>
  proveJoin(tools, path, { videos, hasSound }, {});

describe('proveJoin', () => {
  it('accepts what the parts make, with sound and without', async () => {
    expect((await prove(sounding, [part, part], true)).durationSeconds).toBe(2);
    expect((await prove(silent, [part, part], false)).durationSeconds).toBe(2);
  });

  it('allows one frame for each part, and no more', async () => {
    const { frameCount: _, ...unnumbered } = part;
    const frame = 1 / 24;
    const longer = (frames: number) => ({ ...unnumbered, durationSeconds: 1 + frames * frame });
    await expect(prove(silent, [longer(0.95), longer(0.95)], false)).resolves.toBeDefined();
    await expect(prove(silent, [longer(1.05), longer(1.05)], false)).rejects.toMatchObject({ code: 'CUT_WRONG' });
  });

  it('counts the frames where all parts state their number', async () => {
    await expect(prove(silent, [part, { ...part, frameCount: 23 }], false)).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: { expected: '47 frames', seen: '48 frames' },
    });
  });

  it('wants sound where the parts have it, only there, and to the end', async () => {
    const lost = prove(silent, [part, part], true);
    await expect(lost).rejects.toMatchObject({ code: 'CUT_WRONG', details: { expected: 'sound', seen: 'none' } });
    const strange = prove(sounding, [part, part], false);
    await expect(strange).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: { expected: 'no sound', seen: 'sound' },
    });
    const short = await makeClip(folder.path('short.mp4'), { seconds: 2, sound: { seconds: 1.8 } });
    await expect(prove(short, [part, part], true)).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: { seen: '1.800 s' },
    });
  });

  it('wants a picture, and the index at the front', async () => {
    const soundOnly = await makeClip(folder.path('sound.mp4'), { sound: { seconds: 2 }, extra: ['-vn'] });
    await expect(prove(soundOnly, [part, part], true)).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: { expected: 'a picture' },
    });
    const slow = await makeClip(folder.path('slow.mp4'), { seconds: 2, extra: ['-movflags', '-faststart'] });
    await expect(prove(slow, [part, part], false)).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: { expected: 'the index before the media (faststart)' },
    });
  });
});
