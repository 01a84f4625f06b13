import type { Knex } from 'knex';
import type { EndGenerationInput, RowActivities } from '../domain/activity-contract.js';
import type { FailureInfo, GenerationInput, GenerationStep } from '../domain/contract.js';
import type { ClipFailurePolicy } from '../domain/orders.schema.js';
import { alwaysWaits, nextAttempt } from '../domain/purchase.js';
import { noteAttention } from '../storage/job-attention.js';
import { findJobRow, type JobRow, lockJob } from '../storage/jobs-repository.js';
import { purchasesOf } from '../storage/ledger.js';
import { giveUpLatest } from '../storage/reopen.js';
import { moveSubJob } from '../storage/sub-job.js';
import type { SubJobRecord } from '../storage/sub-jobs.js';
import type { ActivityDeps } from './deps.js';
import { spentOn } from './generation-facts.js';
import { NOT_STORED, requireSubJob } from './required-rows.js';

/**
 * What follows when a generation stored nothing. A failure is answered by the rules of attempts first, and then by the
 * job's `onClipFailure`; where its clip is stored all the same, that is the answer.
 */
export function createEndGeneration({ knex, settings, logger }: ActivityDeps): RowActivities['endGeneration'] {
  return async ({ end, ...generation }: EndGenerationInput): Promise<GenerationStep> => {
    const step = await knex.transaction(async (trx): Promise<GenerationStep> => {
      // The clips of one job end one after the other, so that the last of them sees all the others.
      await lockJob(trx, generation.jobId);
      const clip = await requireSubJob(trx, generation);
      const job = await findJobRow(trx, generation.jobId);
      const follows = async (): Promise<GenerationStep> => {
        if (clip.status === 'stored') return { status: 'stored', predictionId: clip.predictionId };
        if (end.status === 'cancelled' || job === undefined || isCancelled(job)) {
          // Nobody will be asked about it, so that nobody else would ever give it up.
          if (end.status === 'failed' && end.error.code === 'PURCHASE_UNKNOWN') await giveUpLatest(trx, clip);
          return await close(trx, clip, { status: 'cancelled' });
        }
        if (end.status === 'skipped') return await close(trx, clip, end);
        return await answerFailure(trx, generation, { job, clip, error: end.error, patienceMs: settings.patienceMs });
      };
      return { ...(await follows()), ...spentOn(clip) };
    });
    if (step.status !== 'stored') logger.warn({ ...generation, proposed: end, step }, 'an attempt gave no output');
    return step;
  };
}

export const isCancelled = (job: JobRow): boolean => job.status === 'cancelled' || job.cancelRequestedAt !== null;

interface Failed {
  job: JobRow;
  clip: SubJobRecord;
  error: FailureInfo;
  patienceMs: number;
}

async function answerFailure(
  trx: Knex,
  { jobId, subject }: GenerationInput,
  { job, clip, error, patienceMs }: Failed,
): Promise<GenerationStep> {
  const purchases = await purchasesOf(trx, jobId, subject);
  const next = nextAttempt(purchases);
  // Only what the last purchase ended with is a reason; whatever else went wrong would go wrong again at once.
  const isItsEnd = purchases[0]?.error?.code === error.code;
  if (isItsEnd && next.kind === 'open' && next.openedBy === 'automatic') return { status: 'again' };
  const policy = policyOf(clip, job, error);
  if (policy !== 'wait') return await close(trx, clip, { status: policy === 'skip' ? 'skipped' : 'failed', error });
  await moveSubJob(trx, clip, NOT_STORED, { status: 'needs_attention', error });
  await noteAttention(trx, jobId);
  return { status: 'needs_attention', error, patienceMs };
}

/** A video without its music is still a video: nobody is asked about it, and the job tells. */
function policyOf({ kind }: SubJobRecord, job: JobRow, { code }: FailureInfo): ClipFailurePolicy {
  if (kind === 'music') return 'skip';
  return alwaysWaits(code) ? 'wait' : job.onClipFailure;
}

type End = Extract<GenerationStep, { status: 'skipped' | 'failed' | 'cancelled' }>;

/**
 * Ends a clip. One that has a former version keeps it when it is skipped, and says so. A purchase of which nobody could
 * say whether it was made is given up with it.
 */
export async function close(trx: Knex, clip: SubJobRecord, end: End): Promise<GenerationStep> {
  const error = end.status === 'cancelled' ? null : end.error;
  if ([clip.error?.code, error?.code].includes('PURCHASE_UNKNOWN')) await giveUpLatest(trx, clip);
  const former = end.status === 'skipped' && clip.blobId !== null;
  await moveSubJob(trx, clip, NOT_STORED, {
    status: former ? 'stored' : end.status,
    error: former ? null : error,
    ...(former ? { warnings: [`its former version is used: ${end.error.message}`] } : {}),
    completed: true,
  });
  await noteAttention(trx, clip.jobId);
  return former ? { status: 'stored', predictionId: clip.predictionId } : end;
}
