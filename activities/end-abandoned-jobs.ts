import { type FailureInfo, videoJobId } from '../domain/contract.js';
import { moveJob } from '../storage/job-moves.js';
import { findJobRow, lockJob } from '../storage/jobs-repository.js';
import { OPEN_JOB_STATES, type StartedJob, takeStartedJobs } from '../storage/open-jobs.js';
import { moveSubJob } from '../storage/sub-job.js';
import { listSubJobs } from '../storage/sub-jobs.js';
import { isCancelled } from './generation-rows.js';
import type { ReconcileDeps, ReconcileSettings } from './reconcile-deps.js';
import { UNFINISHED } from './required-rows.js';

type Deps = Pick<ReconcileDeps, 'knex' | 'workflows' | 'logger'>;

/**
 * Rule (b): ends open jobs whose workflow is closed or missing, and asks again for the cancel of those that run although
 * their end was asked for. What their clips have bought is left to the settlements. Resolves with how many were ended.
 */
export async function endAbandonedJobs(
  deps: Deps,
  { olderThanMs, atOnce }: Pick<ReconcileSettings, 'olderThanMs' | 'atOnce'>,
): Promise<number> {
  let ended = 0;
  for (const job of await takeStartedJobs(deps.knex, olderThanMs, atOnce)) {
    const workflowId = videoJobId(job.jobId);
    if ((await deps.workflows.describe(workflowId)) !== 'running') {
      if (await endJob(deps, job)) ended += 1;
    } else if (job.cancelRequestedAt !== null) {
      await deps.workflows.cancel(workflowId);
    }
  }
  return ended;
}

/** Under the lock, the row is read anew: it may have ended by itself, or belong to a later run by now. */
async function endJob({ knex, logger }: Deps, { jobId, runNumber }: StartedJob): Promise<boolean> {
  const status = await knex.transaction(async (trx) => {
    await lockJob(trx, jobId);
    const job = await findJobRow(trx, jobId);
    if (job?.runNumber !== runNumber || !OPEN_JOB_STATES.includes(job.status)) return undefined;
    const end = isCancelled(job) ? 'cancelled' : 'failed';
    const error = end === 'failed' ? workflowEnded(jobId, runNumber) : null;
    for (const subJob of await listSubJobs(trx, jobId)) {
      await moveSubJob(trx, subJob, UNFINISHED, { status: end, error, completed: true });
    }
    await moveJob(trx, { jobId, runNumber }, OPEN_JOB_STATES, { status: end, error, completed: true });
    return end;
  });
  if (status !== undefined) logger.warn({ jobId, runNumber, status }, 'ended a job whose workflow is closed');
  return status !== undefined;
}

const workflowEnded = (jobId: string, runNumber: number): FailureInfo => ({
  code: 'WORKFLOW_ENDED',
  message:
    `the workflow of run ${runNumber} has ended without saying how, most likely because it was terminated; ` +
    `what was bought is kept: go on with POST /api/v3/jobs/${jobId}/actions {"action": "retry"}`,
});
