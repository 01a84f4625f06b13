import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  type CancellationScope,
  ChildWorkflowCancellationType,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  sleep,
} from '@temporalio/workflow';
import { type GenerationOutcome, generationId, type Subject } from '../domain/contract.js';
import { generation } from './generation.js';

/** How long to wait for another run's generation to end, before asking again: from, to, in milliseconds. */
const BUSY_PAUSE_MS = { first: 1_000, max: 30_000 };

/** The child workflow that makes one paid thing of a job; it is cancelled with `scope`, and waited for. */
export async function runGeneration(
  jobId: string,
  subject: Subject,
  scope: CancellationScope,
): Promise<GenerationOutcome> {
  for (let pause = BUSY_PAUSE_MS.first; ; pause = Math.min(pause * 2, BUSY_PAUSE_MS.max)) {
    if (scope.consideredCancelled) return { status: 'cancelled' };
    try {
      return await executeChild(generation, {
        workflowId: generationId(jobId, subject),
        args: [{ jobId, subject }],
        // What the Web UI shows in a job's timeline, where all children are of one type.
        staticSummary: subject,
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
