/** Jobs that really run, in a store with a limit. */
import { stat } from 'node:fs/promises';
import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeClip, mediaFolder } from '../media/test-support/media-files.js';
import { createFakeProvider } from '../replicate/fake-provider.js';
import { jobsRoom } from '../storage/jobs-room.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { withJob } from '../test/support/job-rig.js';
import { placePurchase } from '../test/support/money-fixtures.js';
import { putBytes } from '../test/support/stored-jobs.js';
import { createJobRowActivities } from './job-rows.js';

const { path } = mediaFolder();

let rig: ActivityRig;
let clipPath: string;
beforeAll(async () => {
  rig = await createActivityRig();
  clipPath = await makeClip(path('clip.mp4'), { seconds: 4 });
});
afterAll(() => rig.close());
beforeEach(async () => {
  const { knex } = rig.database;
  await knex('jobs').update({ status: 'cancelled' });
});

const settings = (maxBytes: number) => ({ store: { maxBytes, retentionDays: undefined, orphanGraceMs: 0 } });
const stored = async (): Promise<number> =>
  Number((await rig.database.knex('blobs').sum({ bytes: 'size' }))[0]?.['bytes'] ?? 0);

describe('a job in a store with a limit', () => {
  test('that would not fit fails before anything is bought, and says why', async () => {
    await withJob(rig, { clips: 2, settings: settings((await stored()) + 1_000_000), clipPath }, async (running) => {
      await expect(running.handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
      const job = await running.job();
      expect(job).toMatchObject({ status: 'failed', error: { code: 'STORAGE_FULL' } });
      expect(job.error?.message).toContain('expected room for 50 MB in the store of');
      expect(await running.purchases()).toEqual([]);
      expect(running.provider.made).toEqual([]);
    });
  });

  test('that has begun to buy stores what is paid, also where the store is beyond its limit by then', async () => {
    await withJob(rig, { clips: 1, settings: settings((await stored()) + 30_000_000), clipPath }, async (running) => {
      await running.bought(1);
      await putBytes(rig.deps(running.provider).blobs, 31_000_000);
      await running.finish(1);
      await expect(running.handle.result()).resolves.toMatchObject({ status: 'completed' });
      const { size } = await stat(clipPath);
      expect(await running.job()).toMatchObject({ status: 'completed', sizeBytes: expect.any(Number), error: null });
      expect(await stored()).toBeGreaterThan(31_000_000 + size);
    });
  });
});

describe('planning', () => {
  const plan = (maxBytes: number, jobId: string) =>
    attempt(createJobRowActivities(rig.deps(createFakeProvider(), settings(maxBytes))).planJob, {
      jobId,
      runNumber: 1,
    });

  test('lets the earlier of two jobs go on where only one of them fits', async () => {
    const [first, second] = [await rig.order(1), await rig.order(1)];
    const one = (await jobsRoom(rig.database.knex)) / 2;
    const limit = (await stored()) + one;
    await expect(plan(limit, second)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    await expect(plan(limit, first)).resolves.toMatchObject({ clips: [1] });
    await expect(plan(limit, second)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    await rig.database.knex('jobs').where({ id: first }).update({ status: 'failed' });
    await expect(plan(limit, second)).resolves.toMatchObject({ clips: [1] });
  });

  test('goes on with a job that has bought something, whatever the store', async () => {
    const jobId = await rig.order(2);
    await placePurchase(rig.database.knex, { jobId, state: 'known' });
    await expect(plan(1, jobId)).resolves.toMatchObject({ clips: [1, 2] });
  });
});
