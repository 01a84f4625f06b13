import { createHash } from 'node:crypto';
import { ApplicationFailure, Context } from '@temporalio/activity';
import type { Knex } from 'knex';
import type { RowActivities } from '../domain/activity-contract.js';
import { videoJobId } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import type { Operated, Operation } from '../domain/operations.js';
import { findAnswer, keepAnswer, takeKey } from '../storage/idempotency-keys.js';
import { reopenForRegenerate, reopenForRetry, requestCancel } from '../storage/job-actions.js';
import { type JobRecord, markRunStarted } from '../storage/jobs-repository.js';
import { findPause, pausePurchasing, resumePurchasing } from '../storage/purchasing.js';
import type { ReconcileDeps } from './reconcile-deps.js';
import { requireJob } from './required-rows.js';

/** Well within the time of the activity. */
const RESOLVE_LIMIT_MS = 5_000;
/** How long a run of the activity that comes late finds what an earlier one did. */
const KEPT_FOR_MS = 24 * 3_600_000;
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
  const operated = await knex.transaction((trx) => once(trx, job, operation, () => change(trx, job, operation)));
  await tellWorkflow(deps, operation);
  return operated;
}

/** The answer of an earlier run of this activity, or `work` and the note of it. */
async function once(
  trx: Knex,
  { ownerId }: JobRecord,
  operation: JobOperation,
  work: () => Promise<string>,
): Promise<Operated> {
  const key = Context.current().info.workflowExecution?.runId;
  if (key === undefined) throw new ReelwrightError('INTERNAL', 'expected to be run by a workflow');
  const request = { ownerId, route: ROUTE, key, bodySha256: sha256(JSON.stringify(operation)) };
  if (!(await takeKey(trx, request))) {
    throw new ReelwrightError('IDEMPOTENCY_KEY_IN_USE', 'another run of this operation is still at work');
  }
  const kept = await findAnswer(trx, request, KEPT_FOR_MS);
  if (kept !== undefined) return kept.answer as Operated;
  const answer: Operated = { done: await work() };
  await keepAnswer(trx, request, { status: 200, location: null, answer }, KEPT_FOR_MS);
  return answer;
}

async function change(trx: Knex, { id, ownerId, runNumber }: JobRecord, operation: JobOperation): Promise<string> {
  switch (operation.action) {
    case 'retry':
      await reopenForRetry(trx, ownerId, id, operation);
      return `job ${id} runs once more, as run ${runNumber + 1}: ${videoJobId(id)}`;
    case 'regenerate': {
      const { action: _action, jobId: _jobId, clip, ...changes } = operation;
      await reopenForRegenerate(trx, ownerId, id, clip, changes);
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
  const pause = await findPause(knex);
  if (pause?.code === 'LEDGER_BEHIND') {
    // What a restored ledger has forgotten must be found first, or it is bought again. To repeat the question is no help.
    throw ApplicationFailure.nonRetryable(pause.reason, pause.code);
  }
  return { done: (await resumePurchasing(knex)) ? 'purchasing goes on' : 'purchasing was not paused' };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
