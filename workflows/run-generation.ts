import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  type CancellationScope,
  ChildWorkflowCancellationType,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  sleep,
} from '@temporalio/workflow';
import type { JobPlan } from '../domain/activity-contract.js';
import { generationDetails } from '../domain/clip-story.js';
import { type GenerationOutcome, generationId, parseSubject, type Subject } from '../domain/contract.js';
import { type GenerationInBrief, generationSummary, jobSentences } from '../domain/sentences.js';
import { generationAttributes } from './attributes.js';
import { generation } from './generation.js';
import type { JobBoard } from './job-board.js';

/** How long to wait for another run's generation to end, before asking again: from, to, in milliseconds. */
const BUSY_PAUSE_MS = { first: 1_000, max: 30_000 };

/**
 * The child workflow that makes one paid thing of a job; it is cancelled with `scope`, and waited for. The board shows
 * that it is at work, and what came of it.
 */
export async function runGeneration(
  jobId: string,
  subject: Subject,
  scope: CancellationScope,
  board: JobBoard,
): Promise<GenerationOutcome> {
  const brief = board.plan === undefined ? undefined : inBrief(board.plan, subject);
  for (let pause = BUSY_PAUSE_MS.first; ; pause = Math.min(pause * 2, BUSY_PAUSE_MS.max)) {
    if (scope.consideredCancelled) return ended({ status: 'cancelled' });
    try {
      board.started(subject);
      const child = executeChild(generation, {
        workflowId: generationId(jobId, subject),
        args: [{ jobId, subject }],
        ...(brief && {
          staticSummary: generationSummary(brief),
          staticDetails: generationDetails(brief, jobId, board.plan?.facts?.links ?? {}),
        }),
        typedSearchAttributes: generationAttributes(brief?.model),
        // TERMINATE would kill a child in the middle of a purchase.
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      });
      return ended(await child);
    } catch (error) {
      if (isCancellation(error)) return ended({ status: 'cancelled' });
      // After a reset of this workflow its former run's child may still be at work, and children have no conflict policy.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await sleep(pause, { summary: jobSentences.busy(subject, pause) });
    }
  }

  function ended(outcome: GenerationOutcome): GenerationOutcome {
    board.ended(subject, outcome);
    return outcome;
  }
}

function inBrief(plan: JobPlan, subject: Subject): GenerationInBrief {
  const { kind, number } = parseSubject(subject);
  const all = (kind === 'clip' ? plan.clips : plan.music) ?? [];
  const jobName = plan.facts?.name ?? plan.summary;
  const facts = kind === 'clip' ? plan.facts?.clips[all.indexOf(number)] : undefined;
  return { subject, of: all.length, jobName, ...facts };
}
