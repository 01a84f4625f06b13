/** Resets as an operator does them in the Web UI, at the real server: whatever is reset, nothing is bought again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generationId, UPDATES, videoJobId } from '../domain/contract.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { type JobRig, withJob } from '../test/support/job-rig.js';
import { startTestReplicate, type TestReplicate } from '../test/support/local-replicate.js';
import { reset, resetPoints } from '../test/support/reset.js';

let rig: ActivityRig;
let replicate: TestReplicate;
beforeAll(async () => {
  [rig, replicate] = await Promise.all([createActivityRig(), startTestReplicate()]);
});
afterAll(() => Promise.all([rig.close(), replicate.close()]));

const LIMIT_MS = 60_000;
const run = (clips: number, test: (job: JobRig) => Promise<void>, order: object = {}): Promise<void> =>
  withJob(rig, { clips, order: { ...order }, clipPath: replicate.clipPath }, test);

const ended = (job: JobRig, status: string): Promise<void> =>
  job.until(async () => expect((await job.job()).status).toBe(status));

/** What was bought, by subject and attempt. */
const facts = async (job: JobRig): Promise<unknown[]> =>
  (await job.purchases()).map(({ subject, attempt, providerId }) => ({ subject, attempt, providerId }));

describe('a reset', () => {
  it(
    'of a running job to before its clips were started buys nothing again',
    () =>
      run(2, async (job) => {
        await job.bought(2);
        const before = await facts(job);
        const [first] = await resetPoints(job.client, videoJobId(job.jobId));
        await reset(job.client, videoJobId(job.jobId), first ?? 0);
        await job.finish(1);
        await job.finish(2);
        await ended(job, 'completed');
        expect(await facts(job)).toEqual(before);
        expect(job.provider.made).toHaveLength(2);
      }),
    LIMIT_MS,
  );

  it(
    'of a running job to after its clips were started buys nothing again',
    () =>
      run(2, async (job) => {
        await job.bought(2);
        await job.finish(1);
        await job.until(async () =>
          expect((await resetPoints(job.client, videoJobId(job.jobId))).length).toBeGreaterThan(2),
        );
        const before = await facts(job);
        const points = await resetPoints(job.client, videoJobId(job.jobId));
        await reset(job.client, videoJobId(job.jobId), points.at(-1) ?? 0);
        await job.finish(2);
        await ended(job, 'completed');
        expect(await facts(job)).toEqual(before);
        expect(job.provider.made).toHaveLength(2);
      }),
    LIMIT_MS,
  );

  it(
    'of a finished job cuts again what is stored and buys nothing',
    () =>
      run(2, async (job) => {
        await job.bought(2);
        await job.finish(1);
        await job.finish(2);
        await job.handle.result();
        const before = await facts(job);
        const [first] = await resetPoints(job.client, videoJobId(job.jobId));
        await reset(job.client, videoJobId(job.jobId), first ?? 0);
        await job.client.workflow.getHandle(videoJobId(job.jobId)).result();
        expect((await job.job()).status).toBe('completed');
        expect(await facts(job)).toEqual(before);
        expect(job.provider.made).toHaveLength(2);
      }),
    LIMIT_MS,
  );

  it(
    'of a clip that waits for a decision buys nothing, and it waits again',
    () =>
      run(1, async (job) => {
        const clipId = generationId(job.jobId, 'clip:1');
        await job.bought(1);
        await job.finish(1, { failed: 'flagged as sensitive (E005)' });
        await ended(job, 'needs_attention');
        const before = await facts(job);
        const [first] = await resetPoints(job.client, clipId);
        await reset(job.client, clipId, first ?? 0);
        await job.until(async () => {
          const { searchAttributes } = await job.client.workflow.getHandle(clipId).describe();
          expect(searchAttributes['ReelNeedsAttention']).toEqual([true]);
        });
        expect(await facts(job)).toEqual(before);
        await job.client.workflow
          .getHandle(clipId)
          .executeUpdate(UPDATES.decideClip, { args: [{ decision: 'retry' }] });
        await job.bought(2);
        await job.finish(1);
        await ended(job, 'completed');
        expect(job.provider.made).toHaveLength(2);
      }),
    LIMIT_MS,
  );

  it.each([['succeeded'], ['failed']])(
    'of a clip whose job has %s buys nothing',
    (end) =>
      run(
        1,
        async (job) => {
          const clipId = generationId(job.jobId, 'clip:1');
          await job.bought(1);
          await job.finish(1, end === 'failed' ? { failed: 'flagged as sensitive (E005)' } : 'succeeded');
          await job.handle.result().catch(() => undefined);
          const before = await facts(job);
          const [first] = await resetPoints(job.client, clipId);
          await reset(job.client, clipId, first ?? 0);
          await job.client.workflow.getHandle(clipId).result();
          expect(await facts(job)).toEqual(before);
          expect(job.provider.made).toHaveLength(1);
          expect((await job.job()).status).toBe(end === 'failed' ? 'failed' : 'completed');
        },
        { onClipFailure: 'fail' },
      ),
    LIMIT_MS,
  );
});
