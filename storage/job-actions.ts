/**
 * What somebody may do to a job from outside its workflow, each in one guarded transaction: all of it or nothing. The
 * rows are locked as purchases lock them (owner, campaign, job), so that neither waits for the other in a circle.
 */
import type { Knex } from 'knex';
import type { ClipChanges } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import type { FinalJobState, JobState } from '../domain/states.js';
import { FINAL_JOB_STATES } from '../domain/states.js';
import { lockMoney, type MoneyBounds } from './budgets.js';
import { changeClip } from './clip-changes.js';
import { type ClipRecord, findClip } from './clips-repository.js';
import { findJob, type JobRecord, setBudget } from './jobs-repository.js';
import { jobRoom } from './jobs-room.js';
import { listPurchases } from './ledger.js';
import { withdrawIntent } from './ledger-moves.js';
import { reopen } from './reopen.js';
import { requireRoom, type StoreLimit } from './store-room.js';
import { moveSubJob } from './sub-job.js';
import { listSubJobs } from './sub-jobs.js';

const MAY_RETRY: readonly JobState[] = ['failed', 'completed_with_gaps'];
const MAY_REGENERATE: readonly JobState[] = ['completed', 'completed_with_gaps'];

/**
 * Asks for the end of an open job: nothing is bought for it from the commit on. Gives `requested` where its workflow is
 * to be told, `cancelled` where it is over at once because no run was handed to Temporal, and `unchanged` where somebody
 * asked before. Throws NOT_FOUND, and WRONG_STATE for a job that is over.
 */
export async function requestCancel(
  trx: Knex,
  ownerId: string,
  jobId: string,
): Promise<'requested' | 'cancelled' | 'unchanged'> {
  const { job } = await lockOwnJob(trx, ownerId, jobId);
  if (job.status === 'cancelled') return 'unchanged';
  if (isFinal(job.status)) throw wrongState(job, 'a job that is not over');
  if (job.cancelRequestedAt !== null) return 'unchanged';
  const now = trx.fn.now();
  await trx('jobs').where({ id: jobId }).update({ cancel_requested_at: now, updated_at: now });
  const unstarted = { id: jobId, status: 'queued' satisfies JobState, run_started_at: null };
  const ended = await trx('jobs')
    .where(unstarted)
    .update({ status: 'cancelled' satisfies JobState, completed_at: now });
  if (ended === 0) return 'requested';
  for (const subJob of await listSubJobs(trx, jobId)) {
    await moveSubJob(trx, subJob, ['pending'], { status: 'cancelled', completed: true });
  }
  // What was reserved for attempts that nobody will make is free again.
  for (const { id, state } of await listPurchases(trx, jobId)) if (state === 'intended') await withdrawIntent(trx, id);
  return 'cancelled';
}

/**
 * Sends a job whose video lacks clips or music, or is missing, through another run: what is not stored is pending again,
 * each with a new attempt where its last one came to nothing. `budgetUsd` is the job's budget from now on, in US
 * dollars. The caller starts the run after the commit. Throws NOT_FOUND, WRONG_STATE, ASSET_NOT_FOUND for a clip whose
 * image was deleted, BUDGET_EXCEEDED, or STORAGE_FULL where what is made would not fit below `maxStoreBytes`.
 */
export async function reopenForRetry(
  trx: Knex,
  ownerId: string,
  jobId: string,
  { budgetUsd, maxStoreBytes }: { budgetUsd?: number | undefined; maxStoreBytes?: StoreLimit },
): Promise<void> {
  const { job, bounds } = await lockOwnJob(trx, ownerId, jobId);
  if (!MAY_RETRY.includes(job.status)) throw wrongState(job, `a job that is ${MAY_RETRY.join(' or ')}`);
  requireMedia(job);
  if (budgetUsd !== undefined) {
    await setBudget(trx, jobId, budgetUsd);
    bounds.jobBudgetUsd = budgetUsd;
  }
  const lacking = (await listSubJobs(trx, jobId)).filter(({ status }) => status !== 'stored');
  for (const subJob of lacking) await reopen(trx, bounds, { job, subJob, openedBy: 'retry' });
  await requeue(trx, job, maxStoreBytes);
}

/**
 * Has one clip of a finished video made again, changed as asked; its present version is served until the new one is
 * stored. The caller has checked addresses, and starts the run after the commit. Throws NOT_FOUND, WRONG_STATE,
 * VALIDATION_FAILED, ASSET_NOT_FOUND, BUDGET_EXCEEDED, or STORAGE_FULL where it would not fit below `maxStoreBytes`.
 */
export async function reopenForRegenerate(
  trx: Knex,
  ownerId: string,
  jobId: string,
  number: number,
  changes: ClipChanges,
  { maxStoreBytes }: { maxStoreBytes?: StoreLimit } = {},
): Promise<void> {
  const { job, bounds } = await lockOwnJob(trx, ownerId, jobId);
  if (!MAY_REGENERATE.includes(job.status)) throw wrongState(job, `a job that is ${MAY_REGENERATE.join(' or ')}`);
  requireMedia(job);
  await changeClip(trx, job, await readClip(trx, jobId, number), changes);
  await reopen(trx, bounds, { job, subJob: await readClip(trx, jobId, number), openedBy: 'regenerate' });
  await requeue(trx, job, maxStoreBytes);
}

/** The clip of a job that is known to be there; throws NOT_FOUND. */
export async function readClip(knex: Knex, jobId: string, number: number): Promise<ClipRecord> {
  const clip = await findClip(knex, jobId, number);
  if (clip === undefined) throw new ReelwrightError('NOT_FOUND', `job ${jobId} has no clip ${number}`);
  return clip;
}

/** WRONG_STATE: what was expected, and what it is. */
export const wrongState = ({ status }: { status: string }, expected: string): ReelwrightError =>
  new ReelwrightError('WRONG_STATE', `expected ${expected}, seen one that is ${status}`, {
    details: { expected, seen: status },
  });

/** The owner's job as it is under the locks. */
export async function lockOwnJob(
  trx: Knex,
  ownerId: string,
  jobId: string,
): Promise<{ job: JobRecord; bounds: MoneyBounds }> {
  // Nobody may hold up another owner's purchases by naming a job of theirs.
  const isTheirs = (await findJob(trx, jobId, ownerId)) !== undefined;
  const bounds = isTheirs ? await lockMoney(trx, jobId) : undefined;
  const job = await findJob(trx, jobId, ownerId);
  if (bounds === undefined || job === undefined) throw new ReelwrightError('NOT_FOUND', `there is no job ${jobId}`);
  return { job, bounds };
}

/** What is made again would stand beside clips that are not there any more. */
function requireMedia({ mediaDeletedAt }: JobRecord): void {
  if (mediaDeletedAt === null) return;
  const seen = `one whose media were deleted on ${mediaDeletedAt.toISOString()}`;
  throw new ReelwrightError('WRONG_STATE', `expected a job that still has its media, seen ${seen}: order it anew`, {
    details: { expected: 'a job that still has its media', seen },
  });
}

async function requeue(trx: Knex, { id }: JobRecord, maxStoreBytes: StoreLimit): Promise<void> {
  await trx('jobs')
    .where({ id })
    .update({
      status: 'queued' satisfies JobState,
      run_number: trx.raw('run_number + 1'),
      run_started_at: null,
      error: null,
      completed_at: null,
      cancel_requested_at: null,
      updated_at: trx.fn.now(),
    });
  if (maxStoreBytes !== undefined) await requireRoom(trx, maxStoreBytes, await jobRoom(trx, id), { except: id });
}

const isFinal = (status: JobState): status is FinalJobState =>
  (FINAL_JOB_STATES as readonly JobState[]).includes(status);
