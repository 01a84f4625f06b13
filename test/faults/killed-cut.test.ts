/** The media worker is killed in the middle of a cut: the same video comes of it, and nothing is left behind. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { DemoJob } from '../../dev/demo-client.js';
import { drawDemoImages } from '../../dev/demo-images.js';
import { ended } from '../support/running-stack.js';
import { type FaultStack, startFaultStack } from './fault-stack.js';
import { killNow, pidOf, restarted } from './processes.js';

const START_LIMIT_MS = 120_000;
const JOB_LIMIT_MS = 240_000;
const RESTART_LIMIT_MS = 60_000;
/** Where the workers keep their temporary files. */
const WORK_ROOT = join(tmpdir(), 'reelwright');

let faults: FaultStack;
beforeAll(async () => {
  faults = await startFaultStack();
}, START_LIMIT_MS);
afterAll(() => faults.stop(), START_LIMIT_MS);

/** Clips of two models, with sound and without, at a rate that none of them has: all of them are encoded. */
async function orderMixture(): Promise<string> {
  const { api } = faults.stack;
  const campaignId = await api.createCampaign(await api.createClient('a client'), 'a campaign', 'to show rooms');
  const [image] = await drawDemoImages();
  if (image === undefined) throw new Error('expected a demo image');
  const firstImage = { assetId: await api.uploadImage(campaignId, image) };
  const clip = { prompt: 'a walk', firstImage };
  const clips = [
    { ...clip, model: 'veo-3.1-fast', durationSeconds: 4 },
    { ...clip, model: 'hailuo-02', durationSeconds: 6 },
    { ...clip, model: 'veo-3.1-fast', durationSeconds: 4 },
  ];
  return (await api.orderVideo({ kind: 'clips', resolution: '1080p', frameRate: 25, clips })).id;
}

/** The processes whose command names this text. */
async function processesWith(text: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-Ao', 'pid=,args='], { maxBuffer: 16 * 1024 * 1024 });
  return stdout.split('\n').filter((line) => line.includes(text) && !line.includes('<defunct>'));
}

async function foldersOf(pid: number): Promise<string[]> {
  const names = await readdir(WORK_ROOT).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => name.includes(`.${pid}-`));
}

async function sha256Of(job: DemoJob): Promise<string> {
  expect(job).toMatchObject({ status: 'completed', error: null });
  const file = join(faults.stack.folder, `${job.id}.mp4`);
  await faults.stack.api.download(job.videoUrl ?? '', file);
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

const completed = (jobId: string) => faults.stack.until(jobId, ended, JOB_LIMIT_MS);

it(
  'a cut whose media worker was killed ends in the same video, and leaves no file and no process',
  async () => {
    const state = () => faults.stack.state();
    const killed = pidOf(state(), 'mediaWorker');
    const ofKilled = join(WORK_ROOT, `reelwright-cut.${killed}-`);
    const jobId = await orderMixture();
    const limit = { timeout: JOB_LIMIT_MS, interval: 20 };
    await vi.waitFor(async () => {
      const encoders = (await processesWith(ofKilled)).filter((line) => line.includes('libx264'));
      expect(encoders, 'an ffmpeg that encodes for the cut').not.toEqual([]);
    }, limit);
    const percents: number[] = [];
    await faults.stack.until(
      jobId,
      ({ status, progress }) => {
        percents.push(progress.percent);
        return status === 'composing' && progress.percent > 90;
      },
      JOB_LIMIT_MS,
    );
    expect(await processesWith(ofKilled)).not.toEqual([]);
    await killNow(killed);

    // Long before the encoding would have ended by itself the worker is back; its tools are gone by then.
    await restarted(state, 'mediaWorker', killed, RESTART_LIMIT_MS);
    expect(await processesWith(ofKilled)).toEqual([]);
    expect(await foldersOf(killed)).toEqual([]);
    const after = await faults.stack.until(
      jobId,
      (job) => {
        percents.push(job.progress.percent);
        return ended(job);
      },
      JOB_LIMIT_MS,
    );
    const video = await sha256Of(after);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));

    // Nothing of the first cut is of help to the second.
    await faults.sql.query('DELETE FROM encoded_clips');
    const undisturbed = await completed(await orderMixture());
    expect(await sha256Of(undisturbed)).toBe(video);
    expect(
      await faults.sql.query(
        'SELECT DISTINCT blob_sha256 FROM (SELECT b.sha256 AS blob_sha256 FROM clips c JOIN blobs b ON b.id = c.blob_id) seen',
      ),
    ).toHaveLength(2);
    const now = pidOf(state(), 'mediaWorker');
    await vi.waitFor(async () => {
      expect(await foldersOf(now)).toEqual([]);
      expect(await processesWith(join(WORK_ROOT, `reelwright-cut.${now}-`))).toEqual([]);
    }, limit);
  },
  START_LIMIT_MS + 3 * JOB_LIMIT_MS,
);
