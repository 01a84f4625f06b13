import { ApplicationFailure } from '@temporalio/activity';
import type { Knex } from 'knex';
import type { RowActivities } from '../domain/activity-contract.js';
import { videoJobId } from '../domain/contract.js';
import type { ErrorCode } from '../domain/errors.js';
import type { Operated, Operation } from '../domain/operations.js';
import { reopenForRegenerate, reopenForRetry, requestCancel } from '../storage/job-actions.js';
import { type JobRecord, markRunStarted } from '../storage/jobs-repository.js';
import { whyBehind } from '../storage/ledger-clock.js';
import { pausePurchasing, resumePurchasing } from '../storage/purchasing.js';
import type { StoreLimit } from '../storage/store-room.js';
import { once, ownRunId } from './once.js';
import type { ReconcileDeps } from './reconcile-deps.js';
import { requireJob } from './required-rows.js';

/** Well within the time of the activity. */
const RESOLVE_LIMIT_MS = 5_000;
const ROUTE = 'workflow operate';

type JobOperation = Extract<Operation, { jobId: string }>;

/**
 * Does to a job, on behalf of its owner, or to all purchasing, what an operator asked for. What is done to a job is done
 * once for each run of the workflow, in one transaction with the note that it was. Throws NOT_FOUND, WRONG_STATE,
 * BUDGET_EXCEEDED, VALIDATION_FAILED, ASSET_NOT_FOUND, URL_REFUSED, and LEDGER_BEHIND where purchasing must not go on.
 */
export function createOperate(deps: ReconcileDeps): RowActivities['operate'] {
  const { knex, logger } = deps;
  return async (operation) => {
    const operated = 'jobId' in operation ? await onJob(deps, operation) : await onPurchasing(knex, operation);
    const { action } = operation;
    logger.warn({ action, ...('jobId' in operation && { jobId: operation.jobId }) }, 'an operator acted');
    return operated;
  };
}

async function onJob(deps: ReconcileDeps, operation: JobOperation): Promise<Operated> {
  const { knex, addressGuard } = deps;
  const job = await requireJob(knex, operation.jobId);
  if (operation.action === 'regenerate') {
    for (const image of [operation.firstImage, operation.lastImage]) {
      if (image !== undefined && 'url' in image)
        await addressGuard.checkAddress(image.url, { timeLimitMs: RESOLVE_LIMIT_MS });
    }
  }
  const asked = { ownerId: job.ownerId, route: ROUTE, key: ownRunId(), what: operation };
  const operated = await knex.transaction((trx) =>
    once<Operated>(trx, asked, async () => ({ done: await change(trx, job, operation, deps.settings.store.maxBytes) })),
  );
  await tellWorkflow(deps, operation);
  return operated;
}

async function change(
  trx: Knex,
  { id, ownerId, runNumber }: JobRecord,
  operation: JobOperation,
  maxStoreBytes: StoreLimit,
): Promise<string> {
  switch (operation.action) {
    case 'retry':
      await reopenForRetry(trx, ownerId, id, { budgetUsd: operation.budgetUsd, maxStoreBytes });
      return `job ${id} runs once more, as run ${runNumber + 1}: ${videoJobId(id)}`;
    case 'regenerate': {
      const { action: _action, jobId: _jobId, clip, ...changes } = operation;
      await reopenForRegenerate(trx, ownerId, id, clip, changes, { maxStoreBytes });
      return `clip ${clip} of job ${id} is made again, in run ${runNumber + 1}: ${videoJobId(id)}`;
    }
    case 'cancel': {
      const end = await requestCancel(trx, ownerId, id);
      return end === 'requested' ? `job ${id} is being cancelled` : `job ${id} is cancelled, or being cancelled`;
    }
  }
}

/** What is committed stands: a failure here is logged, and the reconciler repeats it. */
async function tellWorkflow({ knex, workflows, startRun, logger }: ReconcileDeps, operation: JobOperation) {
  const { jobId } = operation;
  try {
    if (operation.action === 'cancel') {
      await workflows.cancel(videoJobId(jobId));
      return;
    }
    const { runNumber } = await requireJob(knex, jobId);
    await startRun({ jobId, runNumber });
    await markRunStarted(knex, jobId, runNumber);
  } catch (error) {
    logger.warn({ err: error, jobId }, 'the workflow does not know of it yet: the reconciler repeats it');
  }
}

/** Both are harmless to repeat. */
async function onPurchasing(knex: Knex, operation: Exclude<Operation, JobOperation>): Promise<Operated> {
  if (operation.action === 'pause-purchasing') {
    const { reason } = operation;
    const pausedBy = 'an operator in Temporal';
    await pausePurchasing(knex, { code: 'PURCHASING_PAUSED', reason, pausedBy, probeAfterMs: null });
    return { done: 'nothing is bought until somebody resumes purchasing' };
  }
  const reason = await whyBehind(knex);
  // What a restored ledger has forgotten must be found first, or it is bought again. To repeat the question is no help.
  if (reason !== undefined) throw ApplicationFailure.nonRetryable(reason, 'LEDGER_BEHIND' satisfies ErrorCode);
  return { done: (await resumePurchasing(knex)) ? 'purchasing goes on' : 'purchasing was not paused' };
}
