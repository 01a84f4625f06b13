import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  ChildWorkflowCancellationType,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  sleep,
} from '@temporalio/workflow';
import type { JobPlan } from '../domain/activity-contract.js';
import { clipSubject, type GenerationOutcome, generationId, type Subject } from '../domain/contract.js';
import { generation } from './generation.js';
import { mapBounded } from './map-bounded.js';

/** How long to wait for another run's generation to end, before asking again: from, to, in milliseconds. */
const BUSY_PAUSE_MS = { first: 1_000, max: 30_000 };

/**
 * One child workflow per clip, at most `parallelClips` at once beside those in `waiting`, which wait for a decision. The
 * first clip that fails cancels the others; all of them are waited for, because what is paid is stored.
 */
export async function generateClips(
  jobId: string,
  plan: JobPlan,
  waiting: ReadonlySet<number>,
): Promise<GenerationOutcome[]> {
  const scope = new CancellationScope();
  return await scope.run(() =>
    mapBounded(
      plan.clips,
      () => plan.parallelClips + waiting.size,
      async (number) => {
        const outcome = await generate(jobId, clipSubject(number), scope);
        if (outcome.status === 'failed') scope.cancel();
        return outcome;
      },
    ),
  );
}

async function generate(jobId: string, subject: Subject, scope: CancellationScope): Promise<GenerationOutcome> {
  for (let pause = BUSY_PAUSE_MS.first; ; pause = Math.min(pause * 2, BUSY_PAUSE_MS.max)) {
    if (scope.consideredCancelled) return { status: 'cancelled' };
    try {
      return await executeChild(generation, {
        workflowId: generationId(jobId, subject),
        args: [{ jobId, subject }],
        // TERMINATE would kill a child in the middle of a purchase.
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      });
    } catch (error) {
      if (isCancellation(error)) return { status: 'cancelled' };
      // After a reset of this workflow its former run's child may still be at work, and children have no conflict policy.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await sleep(pause);
    }
  }
}
