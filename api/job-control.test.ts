import { randomUUID } from 'node:crypto';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { describe, expect, inject, test } from 'vitest';
import {
  type ClipDecision,
  clipSubject,
  type FailureInfo,
  type GenerationStep,
  generationId,
} from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { type AllActivities, runWorkflowRig, type WorkflowRig } from '../test/support/workflow-rig.js';
import { createTemporalJobControl } from './job-control.js';
import { lazyTemporalConnection } from './temporal-connection.js';

const REFUSED: FailureInfo = { code: 'PROVIDER_REFUSED_CONTENT', message: 'refused' };
const WAITING: GenerationStep = { status: 'needs_attention', error: REFUSED, patienceMs: 600_000 };

/** Activities of a clip that waits for a decision at once; what is decided is noted in `decisions`. */
function waitingClip(decisions: ClipDecision[]): AllActivities {
  const known: Partial<AllActivities> = {
    prepareGeneration: async () => {
      throw new ReelwrightError('PROVIDER_REFUSED_CONTENT', 'refused');
    },
    endGeneration: async ({ end }) => (end.status === 'cancelled' ? { status: 'cancelled' } : WAITING),
    cancelPurchase: async () => ({ succeeded: null }),
    decideClip: async ({ decision }) => {
      if (decision.budgetUsd !== undefined) throw new ReelwrightError('BUDGET_EXCEEDED', 'too dear');
      decisions.push(decision);
      return { status: 'skipped', error: REFUSED };
    },
  };
  return known as AllActivities;
}

/** Starts the generation of a clip and waits until it takes decisions. */
async function startWaiting({ client, taskQueue, jobId }: WorkflowRig): Promise<WorkflowHandle> {
  const subject = clipSubject(1);
  const handle = await client.workflow.start('generation', {
    workflowId: generationId(jobId, subject),
    taskQueue,
    args: [{ jobId, subject }],
  });
  for (;;) {
    const { events } = await handle.fetchHistory();
    const scheduled = events?.map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name) ?? [];
    const ended = events?.filter((event) => event.activityTaskCompletedEventAttributes != null).length ?? 0;
    // The timer of its patience is set when it waits.
    const waits = events?.some((event) => event.timerStartedEventAttributes != null) ?? false;
    if (scheduled.includes('endGeneration') && ended > 0 && waits) return handle;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function withWaitingClip(
  work: (rig: WorkflowRig, handle: WorkflowHandle, decisions: ClipDecision[]) => Promise<void>,
): Promise<void> {
  const decisions: ClipDecision[] = [];
  await runWorkflowRig(inject('temporal'), waitingClip(decisions), randomUUID(), async (rig) => {
    await work(rig, await startWaiting(rig), decisions);
  });
}

/** A client of an address where nobody listens. */
async function withoutTemporal(work: (client: Client) => Promise<void>): Promise<void> {
  const nowhere = lazyTemporalConnection({ address: '127.0.0.1:1' });
  try {
    await work(new Client({ connection: nowhere }));
  } finally {
    await nowhere.close();
  }
}

describe('a decision', () => {
  test('reaches the clip that waits; under its id it is taken once, and known also when the clip is done', async () => {
    await withWaitingClip(async ({ client }, handle, decisions) => {
      const { workflowId } = handle;
      const control = createTemporalJobControl(client);
      expect(await control.decided(workflowId, 'u1')).toBeUndefined();
      expect(await control.decide(workflowId, 'u1', { decision: 'skip' })).toEqual({ decision: 'skip' });
      expect(await handle.result()).toMatchObject({ status: 'skipped' });
      expect(await control.decided(workflowId, 'u1')).toEqual({ decision: 'skip' });
      expect(await control.decided(workflowId, 'u2')).toBeUndefined();
      expect(decisions).toEqual([{ decision: 'skip' }]);
      await expect(control.decide(workflowId, 'u3', { decision: 'skip' })).rejects.toMatchObject({
        code: 'WRONG_STATE',
      });
    });
  });

  test('that is refused is thrown under the code of its refusal, and the clip waits on', async () => {
    await withWaitingClip(async ({ client }, { workflowId }, decisions) => {
      const control = createTemporalJobControl(client);
      const refused = control.decide(workflowId, 'u1', { decision: 'retry', budgetUsd: 1 });
      await expect(refused).rejects.toThrow(ReelwrightError);
      await expect(refused).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED', message: 'too dear' });
      // As a client that does not know our rules would send it.
      const odd = { decision: 'skip', prompt: 'x' } as ClipDecision;
      await expect(control.decide(workflowId, 'u2', odd)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
      await expect(control.decided(workflowId, 'u1')).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' });
      expect(decisions).toEqual([]);
      expect(await control.decide(workflowId, 'u3', { decision: 'fail' })).toEqual({ decision: 'fail' });
    });
  });

  test('about a clip without a workflow is WRONG_STATE', async () => {
    await withWaitingClip(async ({ client }) => {
      const control = createTemporalJobControl(client);
      const workflowId = generationId(randomUUID(), clipSubject(1));
      await expect(control.decide(workflowId, 'u1', { decision: 'skip' })).rejects.toMatchObject({
        code: 'WRONG_STATE',
      });
      expect(await control.decided(workflowId, 'u1')).toBeUndefined();
    });
  });

  test('that no worker takes in time, or that Temporal cannot be told of, is NOT_READY', async () => {
    await withWaitingClip(async ({ client }) => {
      const jobId = randomUUID();
      const handle = await client.workflow.start('generation', {
        workflowId: generationId(jobId, clipSubject(1)),
        taskQueue: `nobody-${jobId}`,
        args: [{ jobId, subject: clipSubject(1) }],
      });
      const control = createTemporalJobControl(client, { deadlineMs: 300 });
      const decision = control.decide(handle.workflowId, 'u1', { decision: 'skip' });
      await expect(decision).rejects.toMatchObject({ code: 'NOT_READY' });
      await handle.terminate();
    });
    await withoutTemporal(async (lost) => {
      const control = createTemporalJobControl(lost, { deadlineMs: 300 });
      const workflowId = generationId(randomUUID(), clipSubject(1));
      await expect(control.decide(workflowId, 'u1', { decision: 'skip' })).rejects.toMatchObject({ code: 'NOT_READY' });
      await expect(control.decided(workflowId, 'u1')).rejects.toMatchObject({ code: 'NOT_READY' });
    });
  });
});

describe('a cancel', () => {
  test('reaches a workflow that runs, is harmless for one that is over, and tells of one that was never there', async () => {
    await withWaitingClip(async ({ client }, handle) => {
      const control = createTemporalJobControl(client);
      expect(await control.cancel(handle.workflowId)).toBe('asked');
      expect(await handle.result()).toEqual({ status: 'cancelled' });
      expect(await control.cancel(handle.workflowId)).toBe('asked');
      expect((await handle.describe()).status.name).toBe('COMPLETED');
      expect(await control.cancel(`video-job-${randomUUID()}`)).toBe('gone');
    });
  });

  test('fails when Temporal cannot be reached', async () => {
    await withoutTemporal(async (lost) => {
      const control = createTemporalJobControl(lost, { deadlineMs: 300 });
      await expect(control.cancel('video-job-x')).rejects.toThrow();
    });
  });
});
