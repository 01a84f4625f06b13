import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, WorkflowUpdateFailedError } from '@temporalio/client';
import { describe, expect, it, vi } from 'vitest';
import {
  type ClipDecided,
  type ClipDecision,
  type FailureInfo,
  type GenerationStep,
  UPDATES,
} from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { type FakeWorld, fakeWorld } from '../test/support/fake-world.js';
import { withWorkflowRig } from '../test/support/shared-workflow-rig.js';
import type { WorkflowRig } from '../test/support/workflow-rig.js';

const QUICK = { polling: { firstMs: 20, maxMs: 50, factor: 1.5 }, statusOf: () => 'succeeded' as const };
const HOUR_MS = 3_600_000;

const waitFor =
  (patienceMs: number) =>
  (_number: number, _failure: number, error: FailureInfo): GenerationStep => ({
    status: 'needs_attention',
    error,
    patienceMs,
  });
const waiting = waitFor(HOUR_MS);

async function reached(world: FakeWorld, ...calls: string[]): Promise<void> {
  await vi.waitFor(() => expect(world.calls).toEqual(expect.arrayContaining(calls)), { timeout: 20_000, interval: 20 });
}

const decide = (rig: WorkflowRig, decision: unknown, number = 1): Promise<ClipDecided> =>
  rig.generation(number).executeUpdate<ClipDecided, [ClipDecision]>(UPDATES.decideClip, {
    args: [decision as ClipDecision],
  });

/** Until the clip waits: its failure is answered a moment before. */
async function waits(rig: WorkflowRig, number = 1): Promise<void> {
  const { workflowId } = rig.generation(number);
  const limit = { timeout: 20_000, interval: 20 };
  await vi.waitFor(async () => expect(await attention(rig, workflowId)).toBe(true), limit);
}

/** The code with which an update was refused. */
async function refusalOf(update: Promise<unknown>): Promise<string | null | undefined> {
  const error: unknown = await update.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WorkflowUpdateFailedError);
  const { cause } = error as WorkflowUpdateFailedError;
  expect(cause).toBeInstanceOf(ApplicationFailure);
  return (cause as ApplicationFailure).type;
}

async function attention(rig: WorkflowRig, workflowId: string): Promise<unknown> {
  const { searchAttributes } = await rig.client.workflow.getHandle(workflowId).describe();
  return searchAttributes['ReelNeedsAttention']?.[0];
}

describe('a clip that waits for a decision', () => {
  it('buys again on a retry, while the stored clips are kept', async () => {
    const world = fakeWorld({ clips: 2, failing: [1], failTimes: 1, onFailure: waiting, ...QUICK });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await reached(world, 'collect 2');
      await waits(rig);
      expect(await decide(rig, { decision: 'retry', prompt: 'another prompt' })).toEqual({ decision: 'retry' });
      expect((await job.result()).status).toBe('completed');
    });
    expect(world.calls.filter((call) => call.startsWith('buy')).sort()).toEqual(['buy 1', 'buy 1', 'buy 2']);
  });

  it('is shown by the search attributes of the clip and of its job, and no longer once it is decided', async () => {
    const world = fakeWorld({ clips: 1, failing: [1], failTimes: 1, onFailure: waiting, ...QUICK });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      const ids = [job.workflowId, rig.generation(1).workflowId];
      for (const id of ids) await vi.waitFor(async () => expect(await attention(rig, id)).toBe(true), 10_000);
      await decide(rig, { decision: 'retry' });
      await job.result();
      for (const id of ids) expect(await attention(rig, id)).toBe(false);
    });
  });

  it('leaves a gap on a skip', async () => {
    const world = fakeWorld({
      clips: 2,
      failing: [1],
      onFailure: waiting,
      onDecision: () => ({ status: 'skipped', error: { code: 'PROVIDER_REFUSED_CONTENT', message: 'refused' } }),
      ...QUICK,
    });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await waits(rig);
      await decide(rig, { decision: 'skip' });
      await job.result();
    });
    expect(world.calls.slice(-3)).toEqual(['cut', 'previews', 'complete']);
  });

  it('is skipped when nobody decides in time', async () => {
    const world = fakeWorld({ clips: 2, failing: [1], onFailure: waitFor(1_500), ...QUICK });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await job.result();
    });
    expect(world.calls).toContain('end-skipped 1');
    expect(world.calls.slice(-3)).toEqual(['cut', 'previews', 'complete']);
  });

  it('fails the job, and cancels the other clips, on that decision', async () => {
    const world = fakeWorld({
      clips: 2,
      failing: [1],
      onFailure: waiting,
      onDecision: () => ({ status: 'failed', error: { code: 'PROVIDER_REFUSED_CONTENT', message: 'refused' } }),
      polling: { firstMs: 20, maxMs: 50, factor: 1 },
      statusOf: (number) => (number === 1 ? 'succeeded' : 'processing'),
    });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await waits(rig);
      await decide(rig, { decision: 'fail' });
      await expect(job.result()).rejects.toThrow();
    });
    expect(world.calls).toEqual(expect.arrayContaining(['cancel 2', 'end failed PROVIDER_REFUSED_CONTENT']));
  });

  it('goes on by itself where the rules open another attempt', async () => {
    const again = (): GenerationStep => ({ status: 'again' });
    const world = fakeWorld({ clips: 1, failing: [1], failTimes: 2, onFailure: again, ...QUICK });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      expect((await job.result()).status).toBe('completed');
    });
    expect(world.calls.filter((call) => call === 'buy 1')).toHaveLength(3);
  });

  it('is cancelled with its job', async () => {
    const world = fakeWorld({ clips: 1, failing: [1], onFailure: waiting, ...QUICK });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await waits(rig);
      await job.cancel();
      await expect(job.result()).rejects.toThrow();
    });
    expect(world.calls).toEqual(expect.arrayContaining(['cancel 1', 'end-cancelled 1', 'end cancelled']));
  });
});

describe('a decision is refused', () => {
  it.each<[string, unknown, string]>([
    ['that is none', { decision: 'again' }, 'VALIDATION_FAILED'],
    ['with a field that there is not', { decision: 'retry', colour: 'red' }, 'VALIDATION_FAILED'],
    ['with a prompt for a skip', { decision: 'skip', prompt: 'a' }, 'VALIDATION_FAILED'],
    ['with an empty prompt', { decision: 'retry', prompt: '' }, 'VALIDATION_FAILED'],
    ['with a model that there is not', { decision: 'retry', model: 'sora' }, 'VALIDATION_FAILED'],
    ['with an image that is two', { decision: 'retry', firstImage: { assetId: 'a', url: 'b' } }, 'VALIDATION_FAILED'],
    ['with a budget below nothing', { decision: 'retry', budgetUsd: -1 }, 'VALIDATION_FAILED'],
    ['for a clip that does not wait', { decision: 'retry' }, 'WRONG_STATE'],
  ])('%s', async (_, decision, code) => {
    const world = fakeWorld({ clips: 1 });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await reached(world, 'buy 1');
      expect(await refusalOf(decide(rig, decision))).toBe(code);
      await job.cancel();
      await job.result().catch(() => undefined);
    });
    expect(world.calls.filter((call) => call.startsWith('decide'))).toEqual([]);
  });

  it('by its activity, and the clip waits on', async () => {
    let refused = 0;
    const world = fakeWorld({
      clips: 1,
      failing: [1],
      failTimes: 1,
      onFailure: waiting,
      onDecision() {
        refused += 1;
        if (refused === 1) throw new ReelwrightError('BUDGET_EXCEEDED', 'too dear');
        return { status: 'again' };
      },
      ...QUICK,
    });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await waits(rig);
      expect(await refusalOf(decide(rig, { decision: 'retry' }))).toBe('BUDGET_EXCEEDED');
      await decide(rig, { decision: 'retry' });
      expect((await job.result()).status).toBe('completed');
    });
  });

  it('no more when it comes a moment too early: it waits with the failure that is being noted', async () => {
    let go: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const world = fakeWorld({ clips: 1, failing: [1], failTimes: 1, onFailure: waiting, ...QUICK });
    const { endGeneration } = world.activities;
    world.activities.endGeneration = async (input) => {
      const step = await endGeneration(input);
      await held;
      return step;
    };
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await reached(world, 'end-failed 1');
      const decided = decide(rig, { decision: 'retry' });
      await sleep(200);
      go();
      expect(await decided).toEqual({ decision: 'retry' });
      expect((await job.result()).status).toBe('completed');
    });
  });

  it('while another one is carried out', async () => {
    let go: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const world = fakeWorld({ clips: 1, failing: [1], failTimes: 1, onFailure: waiting, ...QUICK });
    const { decideClip } = world.activities;
    world.activities.decideClip = async (input) => {
      const step = await decideClip(input);
      await held;
      return step;
    };
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await waits(rig);
      const first = decide(rig, { decision: 'retry' });
      await reached(world, 'decide-retry 1');
      expect(await refusalOf(decide(rig, { decision: 'retry' }))).toBe('WRONG_STATE');
      go();
      await first;
      expect((await job.result()).status).toBe('completed');
    });
    expect(world.calls.filter((call) => call === 'decide-retry 1')).toHaveLength(1);
  });

  it('a second time by the same update id, which gets the first answer', async () => {
    const world = fakeWorld({ clips: 1, failing: [1], failTimes: 1, onFailure: waiting, ...QUICK });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await waits(rig);
      const options = { args: [{ decision: 'retry' }] as [ClipDecision], updateId: 'the-key' };
      const first = await rig.generation(1).executeUpdate<ClipDecided, [ClipDecision]>(UPDATES.decideClip, options);
      await sleep(50);
      const second = await rig.generation(1).executeUpdate<ClipDecided, [ClipDecision]>(UPDATES.decideClip, options);
      expect(second).toEqual(first);
      await job.result();
    });
    expect(world.calls.filter((call) => call === 'decide-retry 1')).toHaveLength(1);
  });
});

describe('clips that wait', () => {
  it('do not hold up the others of their job', async () => {
    const world = fakeWorld({ clips: 3, parallelClips: 1, failing: [1], failTimes: 1, onFailure: waiting, ...QUICK });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await reached(world, 'collect 2', 'collect 3');
      await decide(rig, { decision: 'retry' });
      expect((await job.result()).status).toBe('completed');
    });
    expect(world.calls.indexOf('collect 3')).toBeLessThan(world.calls.indexOf('decide-retry 1'));
  });

  it('end their job with a plain reason when their workflow is terminated', async () => {
    const world = fakeWorld({ clips: 1, failing: [1], onFailure: waiting, ...QUICK });
    await withWorkflowRig(world.activities, async (rig) => {
      const job = await rig.startJob();
      await waits(rig);
      await rig.generation(1).terminate();
      await expect(job.result()).rejects.toThrow();
    });
    expect(world.calls).toContain('end failed WORKFLOW_ENDED');
  });
});
