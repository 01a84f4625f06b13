import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { musicModel } from '../domain/music.js';
import { SCENE_SET_A } from '../domain/scenes.js';
import { listMusic, type MusicRecord } from '../storage/music-repository.js';
import { createPostgresBlobStore } from '../storage/postgres-blob-store.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { ffprobe } from '../test/support/frames.js';
import { type JobRig, withJob } from '../test/support/job-rig.js';

const scenes = SCENE_SET_A.slice(0, 2).map(({ name }) => name);
const MUSIC = { music: { enabled: true } };

let rig: ActivityRig;
let folder: string;
let clipPath: string;

beforeAll(async () => {
  rig = await createActivityRig();
  folder = await mkdtemp(join(tmpdir(), 'reelwright-test-music-'));
  clipPath = join(folder, 'clip.mp4');
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=24:duration=4', '-pix_fmt', 'yuv420p', clipPath);
});
afterAll(async () => {
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

const ffmpeg = (...args: string[]) => promisify(execFile)('ffmpeg', ['-v', 'error', '-y', ...args]);

async function tone(seconds: number): Promise<Buffer> {
  const path = join(folder, `tone-${seconds}.wav`);
  await ffmpeg('-f', 'lavfi', '-i', `sine=frequency=330:sample_rate=32000:duration=${seconds}`, '-ac', '2', path);
  return await readFile(path);
}

const musicOf = (job: JobRig): Promise<MusicRecord[]> => listMusic(rig.database.knex, [job.jobId]);

describe('the music of a job', () => {
  it('is bought piece by piece beside the clips, each going on from the one before', async () => {
    await withJob(rig, { clips: 2, clipPath, scenes, order: MUSIC }, async (job) => {
      await job.bought(3);
      expect((await job.purchases()).map(({ subject }) => subject).toSorted()).toEqual(['clip:1', 'clip:2', 'music:1']);
      await job.finish(1);
      await job.finish(2);
      await job.finishMusic(1, await tone(4));
      await job.bought(4);
      await job.finishMusic(2, await tone(8));
      expect((await job.handle.result()).status).toBe('completed');
      const pieces = (await job.purchases()).filter(({ subject }) => subject.startsWith('music'));
      const { replicateModel: model, priceUsd: estimateUsd } = musicModel('musicgen');
      expect(pieces).toMatchObject([
        {
          subject: 'music:1',
          model,
          estimateUsd,
          state: 'stored',
          input: { prompt: SCENE_SET_A[0]?.music, duration: 4 },
        },
        { subject: 'music:2', model, state: 'stored', input: { continuation: true, continuation_end: 4, duration: 4 } },
      ]);
      expect(pieces[0]?.input).not.toHaveProperty('input_audio');
      expect(pieces[1]?.input['input_audio']).toMatch(/^https:\/\/api\.replicate\.com\/v1\/files\//);
      expect((await job.job()).actualCostUsd).toBeCloseTo(2 * 0.4 + 2 * estimateUsd, 6);
      expect(await musicOf(job)).toMatchObject([{ warnings: [] }, { warnings: [] }]);
    });
  });

  it('that cannot be made leaves a video without it, and nothing more of it is bought', async () => {
    await withJob(rig, { clips: 2, clipPath, scenes, order: { ...MUSIC, onClipFailure: 'wait' } }, async (job) => {
      await job.bought(3);
      await job.finishMusic(1, { failed: 'The input or output was flagged as sensitive. (E005)' });
      await job.finish(1);
      await job.finish(2);
      expect((await job.handle.result()).status).toBe('completed_with_gaps');
      expect(await musicOf(job)).toMatchObject([
        { status: 'skipped', error: { code: 'PROVIDER_REFUSED_CONTENT' }, attempt: 1 },
        { status: 'skipped', error: { code: 'PROVIDER_REFUSED_CONTENT' }, attempt: 0 },
      ]);
      expect((await job.job()).durationSeconds).toBeCloseTo(8, 1);
    });
  });

  it('is tried again by itself where the provider was at fault', async () => {
    await withJob(rig, { clips: 1, clipPath, order: MUSIC }, async (job) => {
      await job.bought(2);
      await job.finish(1);
      await job.finishMusic(1, { failed: 'An unknown error occurred (E1000)' });
      await job.bought(3);
      await job.finishMusic(1, await tone(4));
      expect((await job.handle.result()).status).toBe('completed');
    });
  });

  it('that the budget does not cover is left out, and the clips are not', async () => {
    const order = { ...MUSIC, budgetUsd: 0.41 };
    await withJob(rig, { clips: 1, clipPath, order }, async (job) => {
      await job.until(async () => {
        const [piece] = await musicOf(job);
        if (piece?.status !== 'skipped' && (await job.purchases()).length === 0) throw new Error('nothing yet');
      });
      await job.until(async () => {
        if (!(await job.purchases()).some(({ subject, providerId }) => subject === 'clip:1' && providerId !== null)) {
          throw new Error('expected the clip to be bought');
        }
      });
      await job.finish(1);
      expect((await job.handle.result()).status).toBe('completed_with_gaps');
      expect(await musicOf(job)).toMatchObject([{ status: 'skipped', error: { code: 'BUDGET_EXCEEDED' } }]);
    });
  });

  it('is cancelled with its job, also at the provider', async () => {
    await withJob(rig, { clips: 1, clipPath, order: MUSIC }, async (job) => {
      await job.bought(2);
      await job.handle.cancel();
      await expect(job.handle.result()).rejects.toThrow();
      expect(job.provider.made.map(({ status }) => status)).toEqual(['canceled', 'canceled']);
      expect(await musicOf(job)).toMatchObject([{ status: 'cancelled' }]);
    });
  });

  it('is cancelled where a clip fails the job, and what it gave by then is kept', async () => {
    const order = { ...MUSIC, onClipFailure: 'fail' };
    await withJob(rig, { clips: 2, clipPath, scenes, order }, async (job) => {
      await job.bought(3);
      await job.finishMusic(1, await tone(4));
      await job.bought(4);
      await job.finish(1, { failed: 'The input or output was flagged as sensitive. (E005)' });
      await expect(job.handle.result()).rejects.toThrow();
      expect(await musicOf(job)).toMatchObject([{ status: 'stored' }, { status: 'cancelled' }]);
      const states = (await job.purchases()).map(({ subject, state }) => `${subject} ${state}`).toSorted();
      expect(states).toEqual(['clip:1 failed', 'clip:2 canceled', 'music:1 stored', 'music:2 canceled']);
    });
  });

  it('of another length than it was ordered in is kept, and its row says so', async () => {
    await withJob(rig, { clips: 1, clipPath, order: MUSIC }, async (job) => {
      await job.bought(2);
      await job.finishMusic(1, await tone(2));
      await job.finish(1);
      expect((await job.handle.result()).status).toBe('completed');
      expect(await musicOf(job)).toMatchObject([{ status: 'stored', warnings: ['it lasts 2.0 s instead of 4 s'] }]);
    });
  });
});

describe('music that cannot be used in the cut', () => {
  it('is left out, and its row says so', async () => {
    await withJob(rig, { clips: 1, clipPath, order: MUSIC }, async (job) => {
      await job.bought(2);
      // Too short to be repeated without a buzz.
      await job.finishMusic(1, await tone(0.5));
      await job.finish(1);
      expect((await job.handle.result()).status).toBe('completed');
      const [piece] = await musicOf(job);
      expect(piece?.warnings.join()).toMatch(/^it is not heard: the music was expected to be at least 1 s long/);
      const { videoBlobId } = await job.job();
      const video = join(folder, 'without-music.mp4');
      await pipeline(createPostgresBlobStore(rig.database.pool).open(videoBlobId ?? ''), createWriteStream(video));
      expect((await ffprobe(video)).streams.map(({ codec_type: type }) => type)).toEqual(['video']);
    });
  });
});

describe('a job of music alone', () => {
  const music = [
    { prompt: 'a harp', durationSeconds: 4 },
    { prompt: 'a drum', durationSeconds: 2 },
  ];

  it('ends with its last piece, and cuts nothing', async () => {
    await withJob(rig, { clips: 0, clipPath, music }, async (job) => {
      await job.bought(1);
      await job.finishMusic(1, await tone(4));
      await job.bought(2);
      const last = await tone(6);
      await job.finishMusic(2, last);
      expect(await job.handle.result()).toEqual({
        status: 'completed',
        durationSeconds: 6,
        sizeBytes: last.length,
        costUsd: 0.14,
      });
      expect(await job.job()).toMatchObject({ status: 'completed', videoBlobId: null, durationSeconds: 6 });
    });
  });

  it('that gave nothing has failed, with the reason', async () => {
    await withJob(rig, { clips: 0, clipPath, music }, async (job) => {
      await job.bought(1);
      await job.finishMusic(1, { failed: 'The input or output was flagged as sensitive. (E005)' });
      await expect(job.handle.result()).rejects.toThrow();
      const { status, error } = await job.job();
      expect(status).toBe('failed');
      expect(error).toMatchObject({ code: 'NO_MUSIC', message: expect.stringContaining('E005') });
    });
  });

  it('that lacks its end has gaps', async () => {
    await withJob(rig, { clips: 0, clipPath, music }, async (job) => {
      await job.bought(1);
      await job.finishMusic(1, await tone(4));
      await job.bought(2);
      await job.finishMusic(2, { failed: 'The input or output was flagged as sensitive. (E005)' });
      expect(await job.handle.result()).toMatchObject({ status: 'completed_with_gaps', durationSeconds: 4 });
    });
  });
});
