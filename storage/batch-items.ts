/** What a batch does to one of its jobs: in one transaction with the note that it is done, so that it is done once. */
import type { Knex } from 'knex';
import type { BatchAction, BatchItemState } from '../domain/batches.js';
import type { FailureInfo } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { reopenForRetry, requestCancel } from './job-actions.js';
import { findJob } from './jobs-repository.js';
import type { StoreLimit } from './store-room.js';

/** One job of a batch. */
export interface BatchItemKey {
  batchId: string;
  position: number;
}

/** `stopped`: the batch's end was asked for, and nothing was done. `jobId` and `runNumber` are as they were chosen. */
export interface BatchItemResult {
  status: BatchItemState | 'stopped';
  action: BatchAction;
  jobId: string;
  runNumber: number;
}

/** Positions of the jobs that nothing was done to yet. */
export async function pendingPositions(knex: Knex, batchId: string): Promise<number[]> {
  const rows: { position: number }[] = await knex('batch_items')
    .where({ batch_id: batchId, status: 'pending' satisfies BatchItemState })
    .orderBy('position')
    .select('position');
  return rows.map(({ position }) => position);
}

/**
 * Does to the job what the batch is for, unless that was done before. A job that was run again since it was chosen is not
 * retried: its failure is another one. Throws what the action throws (NOT_FOUND, WRONG_STATE, BUDGET_EXCEEDED, STORAGE_FULL), and has
 * changed nothing then. The caller starts the run, or tells the workflow of its cancel, after the commit.
 */
export async function actOnBatchItem(
  trx: Knex,
  { batchId, position }: BatchItemKey,
  { maxStoreBytes }: { maxStoreBytes?: StoreLimit } = {},
): Promise<BatchItemResult> {
  // Shared: jobs of one batch do not wait for each other, and a cancel of the batch waits for those under way.
  const batch: { action: BatchAction; cancelled: boolean } | undefined = await trx('batches')
    .where({ id: batchId })
    .forShare()
    .first({ action: 'action', cancelled: trx.raw('cancel_requested_at IS NOT NULL') as Knex.Raw<boolean> });
  const where = { batch_id: batchId, position };
  const item: { jobId: string; runNumber: number; status: BatchItemState } | undefined = await trx('batch_items')
    .where(where)
    .forUpdate()
    .first({ jobId: 'job_id', runNumber: 'run_number', status: 'status' });
  if (batch === undefined || item === undefined) {
    throw new ReelwrightError('NOT_FOUND', `there is no job ${position} of batch ${batchId}`);
  }
  const result = { action: batch.action, jobId: item.jobId, runNumber: item.runNumber };
  if (item.status !== 'pending') return { ...result, status: item.status };
  if (batch.cancelled) return { ...result, status: 'stopped' };
  const job = await findJob(trx, item.jobId);
  if (job === undefined) throw new ReelwrightError('NOT_FOUND', `there is no job ${item.jobId}`);
  if (batch.action === 'cancel') await requestCancel(trx, job.ownerId, job.id);
  else {
    await reopenForRetry(trx, job.ownerId, job.id, { maxStoreBytes });
    const { runNumber } = (await findJob(trx, job.id)) ?? job;
    if (runNumber !== item.runNumber + 1) {
      throw new ReelwrightError(
        'WRONG_STATE',
        `expected a job in run ${item.runNumber}, as it was chosen, seen run ${runNumber - 1}`,
      );
    }
  }
  await trx('batch_items')
    .where(where)
    .update({ status: 'done' satisfies BatchItemState, finished_at: trx.fn.now() });
  return { ...result, status: 'done' };
}

/** Notes why nothing was done to a job, and gives its id; one that was done, or skipped before, stays as it is. */
export async function skipBatchItem(
  knex: Knex,
  { batchId, position }: BatchItemKey,
  { code, message }: FailureInfo,
): Promise<string | undefined> {
  const skipped: { job_id: string }[] = await knex('batch_items')
    .where({ batch_id: batchId, position, status: 'pending' satisfies BatchItemState })
    .update({ status: 'skipped' satisfies BatchItemState, code, message, finished_at: knex.fn.now() })
    .returning('job_id');
  return skipped[0]?.job_id;
}
