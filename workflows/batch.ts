/** Runs in the workflow sandbox: does one thing to many jobs, some at a time, and tells how far it is. */
import { defineSearchAttributeKey } from '@temporalio/common';
import {
  ActivityCancellationType,
  CancellationScope,
  CancelledFailure,
  defineQuery,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { BatchActivities, BatchPlan, EndBatchInput, SkippedJob } from '../domain/activity-contract.js';
import type { BatchProgress, BatchState } from '../domain/batches.js';
import { type BatchInput, QUERIES } from '../domain/contract.js';
import { batchSentences as sentences } from '../domain/sentences.js';
import { failureInfo, failureWithRemedy } from './failures.js';
import { mapBounded } from './map-bounded.js';
import { say } from './say.js';
import { tell } from './tell.js';

/** Jobs of one activity, and activities at once: 2,000 jobs are 200 activities, and their owners' rows are free between. */
const JOBS_AT_A_TIME = 10;
const PARALLEL = 3;

const STAGE = defineSearchAttributeKey('ReelStage', 'KEYWORD');

/** Guarded row changes: harmless to repeat, so they go on until the database answers. */
const rows = proxyActivities<BatchActivities>({
  // Ten jobs with their locks, of which another's purchase may hold one for a while.
  startToCloseTimeout: '2m',
  heartbeatTimeout: '20s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '15s' },
  // What is being done to a job is done before the batch says that it has stopped.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

/** How far the batch is; null until its jobs are known. */
export const batchProgress = defineQuery<BatchProgress | null>(QUERIES.batchProgress);

export async function batch({ batchId }: BatchInput): Promise<BatchProgress> {
  let progress: BatchProgress | null = null;
  const skipped: SkippedJob[] = [];
  setHandler(batchProgress, () => progress);
  const told = tell('Its jobs are being read.');
  const show = (plan: BatchPlan, now: BatchProgress): void => {
    setCurrentDetails(details(plan, now, skipped));
    told(`${plan.summary}: ${inBrief(now)}.`);
  };
  try {
    const plan = await say(sentences.plan, rows.planBatch, { batchId });
    enter('running');
    await mapBounded(
      portionsOf(plan.pending),
      () => PARALLEL,
      async (positions) => {
        if (CancellationScope.current().consideredCancelled) return;
        const sentence = sentences.work(plan.action, positions.length);
        const worked = await say(sentence, rows.workOnBatch, { batchId, positions });
        progress = worked.progress;
        skipped.push(...worked.skipped);
        show(plan, progress);
      },
    );
    if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('the batch was cancelled');
    progress = await end({ batchId, end: 'completed', error: null });
    show(plan, progress);
    return progress;
  } catch (error) {
    const cancelled = isCancellation(error);
    await CancellationScope.nonCancellable(() =>
      end({ batchId, end: cancelled ? 'cancelled' : 'failed', error: cancelled ? null : failureInfo(error) }),
    );
    throw failureWithRemedy(error);
  }
}

async function end(input: EndBatchInput): Promise<BatchProgress> {
  const { status, progress } = await say(sentences.end(input.error), rows.endBatch, input);
  enter(status);
  return progress;
}

function portionsOf(positions: readonly number[]): number[][] {
  const portions: number[][] = [];
  for (let from = 0; from < positions.length; from += JOBS_AT_A_TIME) {
    portions.push(positions.slice(from, from + JOBS_AT_A_TIME));
  }
  return portions;
}

const inBrief = ({ total, done, skipped, pending }: BatchProgress): string =>
  `${done} of ${total} done, ${skipped} skipped, ${pending} to go`;

/** So many skipped jobs are named in the Web UI; all of them are in the rows. */
const NAMED = 20;

/** Markdown. Paragraphs: the Web UI shows lists in one line. */
function details({ summary }: BatchPlan, progress: BatchProgress, skipped: readonly SkippedJob[]): string {
  const reasons = Object.entries(progress.skippedFor).map(([code, count]) => `${count} × \`${code}\``);
  const named = skipped.slice(0, NAMED).map(({ jobId, error }) => `\`${jobId}\`: ${error.code}, ${error.message}`);
  return [
    `**${summary}**`,
    inBrief(progress),
    ...(reasons.length === 0 ? [] : [`Skipped: ${reasons.join(', ')}`]),
    ...named,
    ...(skipped.length > NAMED ? [`and ${skipped.length - NAMED} more`] : []),
  ].join('\n\n');
}

function enter(stage: BatchState): void {
  upsertSearchAttributes([{ key: STAGE, value: stage }]);
}
