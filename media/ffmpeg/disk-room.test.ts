import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { bytesNeeded, bytesNeededFor, mostEncodedBytes } from '../plan/bytes-needed.js';
import { planCut } from '../plan/cut-plan.js';
import { cutRunLimitMs } from '../plan/run-limits.js';
import { makeScript, mediaFolder, tools } from '../test-support/media-files.js';
import { probed, type Unlike } from '../test-support/probed-clips.js';
import { requireDiskRoom } from './disk-room.js';
import { runFfmpeg } from './run-ffmpeg.js';
import { runTool } from './run-tool.js';
import { withWorkDir } from './work-dir.js';

const folder = mediaFolder();
const MEGABYTE = 1024 * 1024;
const turned: Unlike = { video: { rotation: 180 } };

function planOf(...clips: Unlike[]) {
  return planCut(clips.map((clip, index) => ({ number: index + 1, probe: probed(clip) })));
}

describe('requireDiskRoom', () => {
  it('says what is needed and what is free where that is too little', async () => {
    await expect(requireDiskRoom(folder.path(), 1)).resolves.toBeUndefined();
    await expect(requireDiskRoom(folder.path(), 1e17)).rejects.toMatchObject({
      code: 'NO_DISK_SPACE',
      message: expect.stringMatching(/^room for \d+ MB of temporary files was expected, and \d+ MB are free$/),
      details: { neededBytes: expect.any(Number), freeBytes: expect.any(Number) },
      retryAfterMs: 30_000,
    });
  });
});

describe('bytesNeeded', () => {
  const clipBytes = () => 10 * MEGABYTE;

  it('is little more than the result where all is copied', () => {
    const needed = bytesNeeded(planOf({}, {}, {}), clipBytes);
    expect(needed).toBeGreaterThan(30 * MEGABYTE);
    expect(needed).toBeLessThan(36 * MEGABYTE);
  });

  it('has room for what is encoded twice: by itself and in the result', () => {
    const copied = bytesNeeded(planOf({}, {}, {}), clipBytes);
    const encoded = (1920 * 1080 * 192) / 8;
    const needed = bytesNeeded(planOf({}, {}, turned), clipBytes);
    expect(needed - copied).toBeCloseTo(2 * encoded - 10 * MEGABYTE, 0);
  });

  it('has room for a sound that is not encoded yet', () => {
    const silent = bytesNeeded(planOf({}, {}), clipBytes);
    expect(bytesNeeded(planOf({ audio: {} }, {}), clipBytes)).toBeGreaterThan(silent + 16 * 48_000 * 8);
  });

  it('asks the files for their sizes', async () => {
    const path = folder.path('clip.mp4');
    await writeFile(path, Buffer.alloc(2 * MEGABYTE));
    const plan = planOf({}, {});
    const inputs = [1, 2].map((number) => ({ number, path }));
    expect(await bytesNeededFor(plan, inputs)).toBe(bytesNeeded(plan, () => 2 * MEGABYTE));
  });
});

describe('a full disk', () => {
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=d=1:s=320x180'];

  // The kernel's own full disk, which other systems lack.
  it.runIf(process.platform === 'linux')('is NO_DISK_SPACE when ffmpeg meets it, whatever its exit code', async () => {
    for (const rate of ['50k', '50M']) {
      const args = [...picture, '-c:v', 'mpeg4', '-b:v', rate, '-f', 'mpegts', 'file:/dev/full'];
      await expect(runFfmpeg(tools, args)).rejects.toMatchObject({
        code: 'NO_DISK_SPACE',
        details: { tool: 'ffmpeg' },
      });
    }
  });

  it('is NO_DISK_SPACE when a tool says so and leaves with 0', async () => {
    const tool = await makeScript(folder.path('full'), 'echo "Error closing file x: No space left on device" >&2');
    await expect(runTool(tool, [])).rejects.toMatchObject({ code: 'NO_DISK_SPACE' });
  });

  it.runIf(process.platform === 'linux')('is NO_DISK_SPACE when we meet it ourselves', async () => {
    const work = withWorkDir(folder.path('root'), 'cut', () => writeFile('/dev/full', 'bytes'));
    await expect(work).rejects.toMatchObject({ code: 'NO_DISK_SPACE', cause: { code: 'ENOSPC' } });
  });
});

describe('a size limit', () => {
  const noise = ['-f', 'lavfi', '-i', 'nullsrc=s=640x360:r=24:d=600', '-vf', 'geq=random(1)*255:128:128'];

  it('ends ffmpeg with a failure, and does not cut the file off in silence', async () => {
    const output = folder.path('large.nut');
    const args = [...noise, '-c:v', 'rawvideo', '-f', 'nut', output];
    await expect(runFfmpeg(tools, args, { maxOutputBytes: MEGABYTE })).rejects.toMatchObject({
      code: 'FFMPEG_FAILED',
      message: `ffmpeg was expected to write at most ${MEGABYTE} bytes, and wrote more`,
    });
    await expect(
      runFfmpeg(tools, [...noise, '-t', '0.2', '-f', 'nut', output], { maxOutputBytes: 100 * MEGABYTE }),
    ).resolves.toMatchObject({ frames: 5 });
  });

  it('leaves room for what only noise takes', () => {
    expect(mostEncodedBytes({ width: 1920, height: 1080 }, 24)).toBeGreaterThan(250e6 / 8);
  });
});

describe('cutRunLimitMs', () => {
  it('grows with the largest clip and with the number of frames, and takes its pace from outside', () => {
    const pace = { perRunMs: 1_000, perMegapixelMs: 100, perCopiedFrameMs: 2 };
    const fullHd = (2 * 1920 * 1080) / 1e6;
    expect(cutRunLimitMs(planOf({}, {}), pace)).toBe(Math.ceil(1_000 + 192 * fullHd * 100 + 2 * 192 * 2));
    expect(cutRunLimitMs(planOf({}, {}))).toBeGreaterThan(cutRunLimitMs(planOf({})));
    expect(cutRunLimitMs(planOf({}, { scan: { seconds: 60 } }))).toBeGreaterThan(5 * 60_000);
  });
});
