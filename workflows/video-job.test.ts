import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, CancelledFailure, type WorkflowFailedError } from '@temporalio/client';
import { describe, expect, it, vi } from 'vitest';
import { type FailureInfo, type GenerationStep, generationId, SIGNALS } from '../domain/contract.js';
import { fakeWorld, predictionOf } from '../test/support/fake-world.js';
import { withWorkflowRig } from '../test/support/shared-workflow-rig.js';
import type { WorkflowRig } from '../test/support/workflow-rig.js';

const QUICK = { firstMs: 20, maxMs: 50, factor: 1.5 };

async function until(condition: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 20_000, interval: 20 });
}

const webhook = (rig: WorkflowRig, number: number, predictionId = predictionOf(number)): Promise<void> =>
  rig.generation(number).signal(SIGNALS.predictionCompleted, { predictionId });

describe('videoJob', () => {
  it('buys each clip once, waits for its webhook, and cuts when all are stored', async () => {
    const world = fakeWorld({ clips: 3 });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await until(() => world.calls.filter((call) => call.startsWith('buy')).length === 3);
      for (const number of [3, 1, 2]) await webhook(rig, number);
      expect(await job.result()).toEqual({ status: 'completed', durationSeconds: 12, sizeBytes: 1 });
    });
    expect(world.calls.filter((call) => call.startsWith('buy')).sort()).toEqual(['buy 1', 'buy 2', 'buy 3']);
    expect(world.calls.filter((call) => call.startsWith('poll'))).toEqual([]);
    expect(world.calls.slice(-3)).toEqual(['cut', 'previews', 'complete']);
  });

  it('is completed also without previews', async () => {
    const world = fakeWorld({ clips: 1, stored: [1], noPreviews: true });
    await withWorkflowRig(world.activities, async (rig) => {
      expect((await (await rig.startJob()).result()).status).toBe('completed');
    });
    expect(world.calls.slice(-3)).toEqual(['cut', 'previews', 'complete']);
  });

  it('takes a webhook that comes before the purchase has answered', async () => {
    let early: () => Promise<void> = async () => undefined;
    const world = fakeWorld({ clips: 1, onBuy: () => early() });
    await withWorkflowRig(world.activities, async (rig) => {
      early = () => webhook(rig, 1);
      const job = await rig.startJob();
      expect((await job.result()).status).toBe('completed');
    });
  });

  it('polls where no webhook comes, and goes on when the provider says that it ended', async () => {
    const world = fakeWorld({
      clips: 2,
      polling: QUICK,
      statusOf: (_, poll) => (poll < 3 ? 'processing' : 'succeeded'),
    });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      expect((await job.result()).status).toBe('completed');
    });
    expect(world.calls.filter((call) => call === 'poll 1')).toHaveLength(3);
    expect(world.calls.filter((call) => call === 'poll 2')).toHaveLength(3);
  });

  it('fetches what was bought on a queue that no cut can fill: links live for an hour, cuts may take longer', async () => {
    const world = fakeWorld({
      clips: 1,
      statusOf: () => 'succeeded',
      polling: { firstMs: 20, maxMs: 50, factor: 1.5 },
    });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await job.result();
      const queues = new Map<string | null | undefined, string | null | undefined>();
      for (const handle of [job, rig.generation(1)]) {
        for (const { activityTaskScheduledEventAttributes: scheduled } of (await handle.fetchHistory()).events ?? []) {
          if (scheduled != null) queues.set(scheduled.activityType?.name, scheduled.taskQueue?.name);
        }
      }
      expect([queues.get('collectOutput'), queues.get('cutVideo'), queues.get('buy')]).toEqual([
        `${rig.taskQueue}-outputs`,
        `${rig.taskQueue}-media`,
        `${rig.taskQueue}-buy`,
      ]);
    });
  });

  it('ignores a webhook with an id that is not its own', async () => {
    const world = fakeWorld({ clips: 1 });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await until(() => world.calls.includes('buy 1'));
      await webhook(rig, 1, 'somebody-elses');
      await sleep(300);
      expect(world.calls).not.toContain('collect 1');
      await webhook(rig, 1);
      expect((await job.result()).status).toBe('completed');
    });
  });

  it('buys nothing for a clip that is stored', async () => {
    const world = fakeWorld({ clips: 2, stored: [1, 2] });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      expect((await job.result()).status).toBe('completed');
    });
    expect(world.calls.filter((call) => call.startsWith('buy'))).toEqual([]);
  });

  it('never has more clips under way than the plan allows', async () => {
    const world = fakeWorld({ clips: 6, parallelClips: 2, polling: QUICK, statusOf: () => 'succeeded' });
    await withWorkflowRig(world.activities, async (rig) => {
      expect((await (await rig.startJob()).result()).status).toBe('completed');
    });
    expect(world.mostAtOnce()).toBe(2);
  });

  it('fails with the reason of the clip that failed, after its siblings have ended', async () => {
    const world = fakeWorld({ clips: 3, parallelClips: 2, failing: [1] });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await until(() => world.calls.includes('buy 1') && world.calls.includes('buy 2'));
      await webhook(rig, 1);
      const failure = (await job.result().catch((error: unknown) => error)) as WorkflowFailedError;
      expect(failure.cause).toBeInstanceOf(ApplicationFailure);
      expect(failure.cause).toMatchObject({ type: 'PROVIDER_REFUSED_CONTENT', message: /^clip 1: E005/ });
    });
    expect(world.calls).toContain('cancel 2');
    expect(world.calls.filter((call) => call.endsWith(' 3'))).toEqual([]);
    expect(world.calls).not.toContain('cut');
    expect(world.calls.at(-1)).toBe('end failed PROVIDER_REFUSED_CONTENT');
  });

  it('reaches every purchase when it is cancelled, and stores what had succeeded', async () => {
    const world = fakeWorld({ clips: 2, succeedsAnyway: [2] });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await until(() => world.calls.includes('buy 1') && world.calls.includes('buy 2'));
      await job.cancel();
      const failure = (await job.result().catch((error: unknown) => error)) as WorkflowFailedError;
      expect(failure.cause).toBeInstanceOf(CancelledFailure);
      expect(await rig.generation(1).result()).toEqual({ status: 'cancelled' });
      expect(await rig.generation(2).result()).toEqual({ status: 'stored', predictionId: predictionOf(2) });
    });
    expect(world.calls).toEqual(expect.arrayContaining(['cancel 1', 'cancel 2', 'collect 2', 'end-cancelled 1']));
    expect(world.calls.at(-1)).toBe('end cancelled');
  });

  it('closes the row of a purchase that is under way, and cancels it once it is known what was bought', async () => {
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const world = fakeWorld({ clips: 1, onBuy: () => answered });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await until(() => world.calls.includes('buy 1'));
      await job.cancel();
      await until(() => world.calls.includes('end-cancelled 1'));
      await sleep(300);
      expect(world.calls).not.toContain('cancel 1');
      answer();
      await expect(job.result()).rejects.toThrow();
    });
    expect(world.calls.slice(2)).toEqual(['buy 1', 'end-cancelled 1', 'cancel 1', 'end-cancelled 1', 'end cancelled']);
  });

  it('waits for a generation that another run of the job still has', async () => {
    const world = fakeWorld({ clips: 1 });
    await withWorkflowRig(world.activities, async (rig) => {
      const subject = { jobId: rig.jobId, subject: 'clip:1' as const };
      await rig.client.workflow.start('generation', {
        workflowId: generationId(rig.jobId, 'clip:1'),
        taskQueue: rig.taskQueue,
        args: [subject],
      });
      await until(() => world.calls.includes('buy 1'));
      const job = await rig.startJob();
      await until(() => world.calls.includes('plan'));
      await webhook(rig, 1);
      await rig.generation(1).result();
      // The job starts its own now, which takes the row anew.
      await until(() => world.calls.filter((call) => call === 'buy 1').length === 2);
      await webhook(rig, 1);
      expect((await job.result()).status).toBe('completed');
    });
  });

  it('has its images fetched before anything is bought', async () => {
    const world = fakeWorld({ clips: 1, fetchImages: true, polling: QUICK, statusOf: () => 'succeeded' });
    await withWorkflowRig(world.activities, async (rig) => {
      await (await rig.startJob()).result();
    });
    expect(world.calls.slice(0, 3)).toEqual(['plan', 'fetch-images', 'prepare 1']);
  });

  it('whose clips were all skipped has failed', async () => {
    const skip = (_number: number, _failure: number, error: FailureInfo): GenerationStep => ({
      status: 'skipped',
      error,
    });
    const world = fakeWorld({
      clips: 2,
      failing: [1, 2],
      onFailure: skip,
      polling: QUICK,
      statusOf: () => 'succeeded',
    });
    await withWorkflowRig(world.activities, async (rig) => {
      await expect((await rig.startJob()).result()).rejects.toThrow();
    });
    expect(world.calls).toContain('end failed NO_CLIPS');
    expect(world.calls).not.toContain('cut');
  });
});
