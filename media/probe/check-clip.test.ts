import { copyFile, open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { ffmpeg, makeClip, makeScript, mediaFolder, tools } from '../test-support/media-files.js';
import { checkClip } from './check-clip.js';
import { readTopLevelBoxes } from './top-level-boxes.js';

const folder = mediaFolder();
let clip: string;
let fragmented: string;

beforeAll(async () => {
  const look = { colour: 'testsrc', seconds: 2, sound: { seconds: 2 } };
  clip = await makeClip(folder.path('clip.mp4'), look);
  fragmented = await makeClip(folder.path('fragmented.mp4'), {
    ...look,
    extra: ['-g', '12', '-movflags', 'frag_keyframe+empty_moov'],
  });
});

describe('checkClip', () => {
  it.each([1.6, 2, 2.4])('accepts a whole clip of 2 s where %d s were ordered', async (expectedDurationSeconds) => {
    const seen = await checkClip(tools, clip, { expectedDurationSeconds });
    expect(seen.video).toMatchObject({ durationSeconds: 2, frameCount: 48 });
  });

  it('accepts a whole clip without sound, and one in fragments', async () => {
    const silent = await makeClip(folder.path('silent.mp4'));
    expect((await checkClip(tools, silent, { expectedDurationSeconds: 1 })).audio).toBeUndefined();
    expect((await checkClip(tools, fragmented, { expectedDurationSeconds: 2 })).video?.frameCount).toBeUndefined();
  });

  it('reports progress that never goes back and ends with 1', async () => {
    const fractions: number[] = [];
    await checkClip(tools, clip, { expectedDurationSeconds: 2, onProgress: (fraction) => fractions.push(fraction) });
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
    expect(fractions.length).toBeGreaterThan(1);
  });

  it('says what was expected and seen when the length is wrong', async () => {
    const check = checkClip(tools, clip, { expectedDurationSeconds: 8 });
    await expect(check).rejects.toMatchObject({
      code: 'OUTPUT_BROKEN',
      message: 'clip.mp4 was expected to last 8 s (within 0.5 s), and states 2 s',
      details: { file: 'clip.mp4', expected: 'to last 8 s (within 0.5 s)', seen: 'states 2 s' },
    });
    await expect(checkClip(tools, clip, { expectedDurationSeconds: 8, toleranceSeconds: 6 })).resolves.toBeDefined();
  });

  const cases: { what: string; make: (path: string) => Promise<unknown>; says: string }[] = [
    { what: 'a page instead of a clip', make: (path) => writeFile(path, '<html></html>'), says: 'to be a video file' },
    {
      what: 'sound only',
      make: (path) => ffmpeg('-v', 'error', '-i', clip, '-vn', '-c', 'copy', path),
      says: 'has only aac sound',
    },
    { what: 'half a file', make: (path) => shortened(path, clip, 0.5), says: 'bytes are missing' },
    {
      what: 'a file that lacks its last byte',
      make: async (path) => {
        await copyFile(clip, path);
        await truncate(path, (await stat(clip)).size - 1);
      },
      says: 'its last 1 bytes are missing',
    },
    { what: 'half a fragmented file', make: (path) => shortened(path, fragmented, 0.5), says: 'bytes are missing' },
    {
      what: 'a fragmented file that lacks whole fragments',
      make: async (path) => {
        const fragments = (await readTopLevelBoxes(fragmented)).filter((box) => box.type === 'moof');
        await copyFile(fragmented, path);
        await truncate(path, fragments[1]?.offset);
      },
      says: 'was expected to last 2 s',
    },
    {
      what: 'a file whose header states more than there is',
      make: async (path) => {
        const matroska = folder.path('whole.mkv');
        await ffmpeg('-v', 'error', '-i', clip, '-c', 'copy', matroska);
        await shortened(path, matroska, 0.5);
      },
      says: 'decodes to',
    },
    {
      what: 'damage in the middle',
      make: async (path) => {
        await copyFile(clip, path);
        const { size } = await stat(path);
        const file = await open(path, 'r+');
        const noise = Buffer.from(Array.from({ length: 2_000 }, (_, index) => (index * 7919 + 13) % 251));
        await file.write(noise, 0, noise.length, Math.floor(size / 2));
        await file.close();
      },
      says: 'to decode to its end',
    },
  ];

  it.each(cases)('calls $what OUTPUT_BROKEN', async ({ what, make, says }) => {
    const path = folder.path(`${what}.mp4`);
    await make(path);
    await expect(checkClip(tools, path, { expectedDurationSeconds: 2 })).rejects.toMatchObject({
      code: 'OUTPUT_BROKEN',
      message: expect.stringContaining(says),
    });
  });

  it('does not blame the clip when ffmpeg is killed or takes too long', async () => {
    const killed = await makeScript(folder.path('killed'), 'kill -KILL $$');
    const slow = await makeScript(folder.path('slow'), 'exec sleep 60');
    const check = { expectedDurationSeconds: 2 };
    await expect(checkClip({ ...tools, ffmpegPath: killed }, clip, check)).rejects.toMatchObject({
      code: 'FFMPEG_FAILED',
    });
    const limited = checkClip({ ...tools, ffmpegPath: slow }, clip, { ...check, timeLimitMs: 1_500 });
    await expect(limited).rejects.toMatchObject({ code: 'FFMPEG_FAILED', details: { timeLimitMs: 1_500 } });
  });

  it('rejects with the reason of an abort', async () => {
    const controller = new AbortController();
    const reason = new Error('cancelled');
    const check = checkClip(tools, clip, {
      expectedDurationSeconds: 2,
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    await expect(check).rejects.toBe(reason);
  });
});

async function shortened(path: string, from: string, share: number): Promise<void> {
  const whole = await readFile(from);
  await writeFile(path, whole.subarray(0, Math.floor(whole.length * share)));
}
