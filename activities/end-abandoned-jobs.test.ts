import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { videoJobId } from '../domain/contract.js';
import { listClips } from '../storage/clips-repository.js';
import { findJob, type JobRecord } from '../storage/jobs-repository.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { type ReconcileRig, reconcileRig } from '../test/support/reconcile-rig.js';
import { endAbandonedJobs } from './end-abandoned-jobs.js';

let rig: ActivityRig;
let scene: ReconcileRig;
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());
beforeEach(async () => {
  scene = reconcileRig(rig);
  await rig.database.knex('clips').delete();
  await rig.database.knex('jobs').delete();
});

/** A job whose run Temporal has taken. */
async function started(columns: Record<string, unknown> = {}, clips = 1): Promise<string> {
  const jobId = await rig.order(clips);
  await change(jobId, { status: 'generating', run_started_at: new Date(), ...columns });
  return jobId;
}

const change = (jobId: string, columns: Record<string, unknown>) =>
  rig.database.knex('jobs').where({ id: jobId }).update(columns);
const job = async (jobId: string) => (await findJob(rig.database.knex, jobId)) as JobRecord;
const run = (settings: Partial<typeof scene.settings> = {}) =>
  endAbandonedJobs(scene.deps, { ...scene.settings, ...settings });

describe('an open job', () => {
  it.each(['closed', 'missing'] as const)(
    'whose workflow is %s fails, says what to do, and ends its unfinished clips',
    async (state) => {
      const jobId = await started({}, 3);
      await rig.database.knex('clips').where({ job_id: jobId, number: 2 }).update({ status: 'stored' });
      await rig.database.knex('clips').where({ job_id: jobId, number: 3 }).update({ status: 'needs_attention' });
      scene.workflows.states.set(videoJobId(jobId), state);
      expect(await run()).toBe(1);
      const { status, error, completedAt } = await job(jobId);
      expect([status, error?.code]).toEqual(['failed', 'WORKFLOW_ENDED']);
      expect(error?.message).toContain(`POST /api/v3/jobs/${jobId}/actions {"action": "retry"}`);
      expect(completedAt).not.toBeNull();
      const clips = await listClips(rig.database.knex, [jobId]);
      expect(clips.map((clip) => clip.status)).toEqual(['failed', 'stored', 'failed']);
      expect(clips[0]?.error?.code).toBe('WORKFLOW_ENDED');
    },
  );

  it('whose workflow runs is left alone', async () => {
    const jobId = await started();
    scene.workflows.states.set(videoJobId(jobId), 'running');
    expect(await run()).toBe(0);
    expect((await job(jobId)).status).toBe('generating');
    expect(scene.workflows.cancelled).toEqual([]);
  });

  it('whose end was asked for is asked to cancel again while its workflow runs', async () => {
    const jobId = await started({ cancel_requested_at: new Date() });
    scene.workflows.states.set(videoJobId(jobId), 'running');
    expect(await run()).toBe(0);
    expect(scene.workflows.cancelled).toEqual([videoJobId(jobId)]);
    expect((await job(jobId)).status).toBe('generating');
  });

  it('whose end was asked for is cancelled, with its clips, once its workflow is closed', async () => {
    const jobId = await started({ cancel_requested_at: new Date() });
    expect(await run()).toBe(1);
    expect(await job(jobId)).toMatchObject({ status: 'cancelled', error: null });
    expect((await listClips(rig.database.knex, [jobId])).map((clip) => clip.status)).toEqual(['cancelled']);
  });

  it('whose end is asked for while it is being looked at is cancelled, not failed', async () => {
    const jobId = await started();
    scene.workflows.onDescribe = async () => void (await change(jobId, { cancel_requested_at: new Date() }));
    expect(await run()).toBe(1);
    expect((await job(jobId)).status).toBe('cancelled');
  });

  it('that was sent through another run meanwhile is not ended', async () => {
    const jobId = await started();
    scene.workflows.onDescribe = async () =>
      void (await change(jobId, { status: 'queued', run_number: 2, run_started_at: null }));
    expect(await run()).toBe(0);
    expect(await job(jobId)).toMatchObject({ status: 'queued', runNumber: 2, error: null });
  });

  it('that completed meanwhile keeps its result', async () => {
    const jobId = await started();
    scene.workflows.onDescribe = async () => void (await change(jobId, { status: 'completed' }));
    expect(await run()).toBe(0);
    expect(await job(jobId)).toMatchObject({ status: 'completed', error: null });
  });

  it('whose run is not started yet, or only just, is none of this rule', async () => {
    await started({ run_started_at: null, status: 'queued' });
    await started();
    expect(await run({ olderThanMs: 60_000 })).toBe(0);
    expect(scene.workflows.described).toEqual([]);
  });
});

describe('jobs beyond what one run looks at', () => {
  it('have their turn in the next run: those come first that were looked at the longest ago', async () => {
    const jobs = [await started(), await started(), await started()];
    for (const jobId of jobs) scene.workflows.states.set(videoJobId(jobId), 'running');
    await run({ atOnce: 2 });
    await run({ atOnce: 2 });
    expect(new Set(scene.workflows.described)).toEqual(new Set(jobs.map(videoJobId)));
    expect(scene.workflows.described).toHaveLength(4);
  });
});
