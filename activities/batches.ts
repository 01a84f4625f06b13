import { Context } from '@temporalio/activity';
import type { BatchActivities, BatchWorked, SkippedJob } from '../domain/activity-contract.js';
import { batchSummary } from '../domain/batches.js';
import { type FailureInfo, videoJobId } from '../domain/contract.js';
import { isReelwrightError, ReelwrightError } from '../domain/errors.js';
import { actOnBatchItem, type BatchItemKey, pendingPositions, skipBatchItem } from '../storage/batch-items.js';
import { type BatchRecord, moveBatch, readBatch } from '../storage/batches-repository.js';
import { findJobRow, markRunStarted } from '../storage/jobs-repository.js';
import { isDatabaseUnreachable } from '../storage/unreachable.js';
import { withHeartbeat } from './heartbeat.js';
import type { ReconcileDeps } from './reconcile-deps.js';

/** So often a job is tried whose action fails for a reason that nobody foresaw; then the others have their turn. */
const MOST_ATTEMPTS = 4;

type Deps = Pick<ReconcileDeps, 'knex' | 'startRun' | 'workflows' | 'settings' | 'logger'>;

export function createBatchActivities(deps: Deps): BatchActivities {
  const { knex, logger } = deps;
  return {
    /** Takes the batch. Throws NOT_FOUND without its row, WRONG_STATE when its end came before. */
    async planBatch({ batchId }) {
      const moved = await moveBatch(knex, batchId, { status: 'running', error: null });
      const batch = await readBatch(knex, batchId);
      if (!moved) {
        throw new ReelwrightError('WRONG_STATE', `expected a batch that is wanted, seen one that is ${seen(batch)}`);
      }
      const { action, filter, total } = batch;
      return { action, summary: batchSummary(action, filter, total), pending: await pendingPositions(knex, batchId) };
    },

    workOnBatch({ batchId, positions }): Promise<BatchWorked> {
      return withHeartbeat(async (report) => {
        const { cancellationSignal, info } = Context.current();
        const skipped: SkippedJob[] = [];
        for (const [index, position] of positions.entries()) {
          cancellationSignal.throwIfAborted();
          const one = await workOn(deps, { batchId, position }, info.attempt);
          if (one === 'stopped') break;
          if (one !== undefined) skipped.push(one);
          report({ worked: index + 1 });
        }
        return { progress: progressOf(await readBatch(knex, batchId)), skipped };
      });
    },

    async endBatch({ batchId, end: proposed, error }) {
      const before = await readBatch(knex, batchId);
      // Whoever asked for the end gets it, whatever went wrong on the way there.
      const end = before.cancelRequestedAt === null ? proposed : 'cancelled';
      const change = { status: end, error: end === 'cancelled' ? null : error, completed: true };
      const moved = await moveBatch(knex, batchId, change);
      if (!moved) logger.info({ batchId, end }, 'the batch had already ended');
      const batch = await readBatch(knex, batchId);
      return { status: batch.status, progress: progressOf(batch) };
    },
  };
}

/** Does to one job what the batch is for. Gives why it was skipped, and undefined where it was done. */
async function workOn(deps: Deps, item: BatchItemKey, attempt: number): Promise<SkippedJob | 'stopped' | undefined> {
  const { knex, settings, logger } = deps;
  try {
    const done = await knex.transaction((trx) => actOnBatchItem(trx, item, { maxStoreBytes: settings.store.maxBytes }));
    if (done.status === 'stopped') return 'stopped';
    // Also where it was done before: whoever did it may have died before anybody was told.
    if (done.status === 'done') await tell(deps, done);
    return undefined;
  } catch (error) {
    const reason = whySkipped(error, attempt);
    if (reason === undefined) throw error;
    if (reason.code === 'INTERNAL') logger.error({ err: error, ...item }, 'a job of a batch was given up');
    const jobId = await skipBatchItem(knex, item, reason);
    return jobId === undefined ? undefined : { jobId, error: reason };
  }
}

/** Undefined where the same thing may go well when it is tried again. */
function whySkipped(error: unknown, attempt: number): FailureInfo | undefined {
  if (isReelwrightError(error)) return { code: error.code, message: error.message };
  if (isDatabaseUnreachable(error) || attempt < MOST_ATTEMPTS) return undefined;
  return { code: 'INTERNAL', message: `it failed ${attempt} times for a reason that the worker's log has` };
}

/** What is said in vain here the reconciler repeats: the rows tell what is owed. */
async function tell(
  { knex, startRun, workflows, logger }: Deps,
  { action, jobId, runNumber: chosen }: { action: BatchRecord['action']; jobId: string; runNumber: number },
): Promise<void> {
  try {
    if (action === 'cancel') {
      await workflows.cancel(videoJobId(jobId));
      return;
    }
    const runNumber = chosen + 1;
    if ((await findJobRow(knex, jobId))?.runNumber !== runNumber) return;
    await startRun({ jobId, runNumber });
    await markRunStarted(knex, jobId, runNumber);
  } catch (error) {
    logger.warn({ err: error, jobId, action }, 'Temporal does not know of it yet: the reconciler repeats it');
  }
}

const seen = ({ status, cancelRequestedAt }: BatchRecord): string =>
  cancelRequestedAt === null ? status : 'being cancelled';

const progressOf = ({ total, done, skipped, pending, skippedFor }: BatchRecord): BatchWorked['progress'] => ({
  total,
  done,
  skipped,
  pending,
  skippedFor,
});
