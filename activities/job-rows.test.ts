import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFakeProvider } from '../replicate/fake-provider.js';
import { findJob } from '../storage/jobs-repository.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { createJobRowActivities } from './job-rows.js';

let rig: ActivityRig;
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());

const activities = (startRun: (jobId: string) => Promise<void> = async () => undefined) =>
  createJobRowActivities({ ...rig.deps(createFakeProvider()), startRun: ({ jobId }) => startRun(jobId) });

const statusOf = async (jobId: string): Promise<string | undefined> =>
  (await findJob(rig.database.knex, jobId))?.status;

const setJob = (jobId: string, columns: object): Promise<number> =>
  rig.database.knex('jobs').where({ id: jobId }).update(columns);
const setClip = (jobId: string, number: number, columns: object): Promise<number> =>
  rig.database.knex('clips').where({ job_id: jobId, number }).update(columns);

describe('startOwedRuns', () => {
  it('starts every run that is owed, also after one that cannot be started', async () => {
    const { knex } = rig.database;
    const jobs = await Promise.all([rig.order(1), rig.order(1), rig.order(1)]);
    await knex('jobs').update({ updated_at: knex.raw(`now() - interval '1 minute'`) });
    const [broken, ...others] = jobs;
    const asked: string[] = [];
    const { startOwedRuns } = activities(async (jobId) => {
      asked.push(jobId);
      if (jobId === broken) throw new Error('its former run has not closed');
    });
    expect(await attempt(startOwedRuns, undefined)).toEqual({ started: 2 });
    expect(asked.sort()).toEqual(jobs.sort());
    expect(await attempt(startOwedRuns, undefined)).toEqual({ started: 0 });
    expect(asked.filter((jobId) => jobId === broken)).toHaveLength(2);
    expect(await knex('jobs').whereIn('id', others).whereNull('run_started_at')).toEqual([]);
  });
});

describe('a run of a job', () => {
  const run = { runNumber: 1 };

  it('plans first where images are to be fetched, and generates at once where none are', async () => {
    const plain = await rig.order(1);
    expect(await attempt(activities().planJob, { jobId: plain, ...run })).toMatchObject({ fetchImages: false });
    expect(await statusOf(plain)).toBe('generating');
    const linked = await rig.order(1);
    await setClip(linked, 1, { last_image_url: 'https://example.com/a.png' });
    expect(await attempt(activities().planJob, { jobId: linked, ...run })).toMatchObject({ fetchImages: true });
    expect(await statusOf(linked)).toBe('planning');
  });

  it('leaves images that are not there yet to their clips once it is run again: a bad one is no end of the others', async () => {
    const linked = await rig.order(1);
    await setClip(linked, 1, { last_image_url: 'https://example.com/a.png' });
    await setJob(linked, { run_number: 2 });
    const again = { jobId: linked, runNumber: 2 };
    expect(await attempt(activities().planJob, again)).toMatchObject({ fetchImages: false });
  });

  it('that comes late ends neither the job nor the clips of a later run', async () => {
    const jobId = await rig.order(1);
    await setJob(jobId, { status: 'generating', run_number: 2 });
    const error = { code: 'WRONG_STATE' as const, message: 'late' };
    await attempt(activities().endJob, { jobId, ...run, end: 'failed', error });
    expect(await statusOf(jobId)).toBe('generating');
    expect(await rig.database.knex('clips').where({ job_id: jobId }).first()).toMatchObject({ status: 'pending' });
  });

  it('is refused for a job that somebody wants to end, and for one that is run again', async () => {
    const ending = await rig.order(1);
    await setJob(ending, { cancel_requested_at: new Date() });
    const again = await rig.order(1);
    await setJob(again, { run_number: 2 });
    for (const jobId of [ending, again]) {
      await expect(attempt(activities().planJob, { jobId, ...run })).rejects.toMatchObject({ code: 'WRONG_STATE' });
      expect(await statusOf(jobId)).toBe('queued');
    }
  });

  it('ends as cancelled where that was asked for, whatever went wrong on the way', async () => {
    const jobId = await rig.order(1);
    await setJob(jobId, { status: 'composing', cancel_requested_at: new Date() });
    await expect(attempt(activities().completeJob, { jobId, ...run })).rejects.toMatchObject({ code: 'WRONG_STATE' });
    const error = { code: 'WRONG_STATE' as const, message: 'the job was cancelled' };
    await attempt(activities().endJob, { jobId, ...run, end: 'failed', error });
    expect(await findJob(rig.database.knex, jobId)).toMatchObject({ status: 'cancelled', error: null });
  });

  it.each([
    ['stored', 'completed'],
    ['skipped', 'completed_with_gaps'],
  ])('whose second clip is %s ends as %s', async (clip, end) => {
    const { knex } = rig.database;
    const jobId = await rig.order(2);
    const { blobs } = rig.deps(createFakeProvider());
    const { id: blobId } = await blobs.put(Readable.from([Buffer.from(`a video that is ${end}`)]), {
      contentType: 'video/mp4',
    });
    await knex('clips').where({ job_id: jobId }).update({ status: 'stored' });
    await setClip(jobId, 2, { status: clip });
    await setJob(jobId, { status: 'composing', video_blob_id: blobId, duration_seconds: 4 });
    expect(await attempt(activities().completeJob, { jobId, ...run })).toMatchObject({ status: end });
    expect(await statusOf(jobId)).toBe(end);
  });
});
