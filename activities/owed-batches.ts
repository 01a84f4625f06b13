/** What the reconciler does about batches: starts those that are owed, and ends those whose workflow is gone. */
import { batchWorkflowId, type FailureInfo } from '../domain/contract.js';
import { listOwedBatches, markBatchStarted, moveBatch, takeStartedBatches } from '../storage/batches-repository.js';
import type { ActivityDeps } from './deps.js';
import type { ReconcileDeps, ReconcileSettings } from './reconcile-deps.js';

/**
 * Hands batches to Temporal whose rows were committed at least `olderThanMs` ago, and which nobody has started. Resolves
 * with how many there were.
 */
export async function startOwedBatches(
  { knex, startBatch, logger }: Pick<ActivityDeps, 'knex' | 'startBatch' | 'logger'>,
  olderThanMs: number,
  atOnce: number,
): Promise<number> {
  let started = 0;
  for (const batch of await listOwedBatches(knex, olderThanMs, atOnce)) {
    const { id } = batch;
    // One that cannot be started must not keep the others waiting; the next run tries it again.
    try {
      await startBatch(batch);
    } catch (error) {
      logger.error({ err: error, id }, 'a batch that is owed could not be started');
      continue;
    }
    await markBatchStarted(knex, id);
    logger.warn({ id }, 'started a batch that was still owed');
    started += 1;
  }
  return started;
}

/**
 * Ends open batches whose workflow is closed or missing, and asks again for the cancel of those that run although their
 * end was asked for. Resolves with how many were ended.
 */
export async function endAbandonedBatches(
  { knex, workflows, logger }: Pick<ReconcileDeps, 'knex' | 'workflows' | 'logger'>,
  { olderThanMs, atOnce }: Pick<ReconcileSettings, 'olderThanMs' | 'atOnce'>,
): Promise<number> {
  let ended = 0;
  for (const { id, cancelRequestedAt } of await takeStartedBatches(knex, olderThanMs, atOnce)) {
    const workflowId = batchWorkflowId(id);
    const isCancelled = cancelRequestedAt !== null;
    if ((await workflows.describe(workflowId)) === 'running') {
      if (isCancelled) await workflows.cancel(workflowId);
      continue;
    }
    const status = isCancelled ? 'cancelled' : 'failed';
    const error = isCancelled ? null : WORKFLOW_ENDED;
    if (!(await moveBatch(knex, id, { status, error, completed: true }))) continue;
    logger.warn({ id, status }, 'ended a batch whose workflow is closed');
    ended += 1;
  }
  return ended;
}

const WORKFLOW_ENDED: FailureInfo = {
  code: 'WORKFLOW_ENDED',
  message:
    'its workflow has ended without saying how, most likely because it was terminated; what was done stays done: ' +
    'order the batch anew for the rest',
};
