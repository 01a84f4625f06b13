import { videoJobStart } from '../../activities/start-video-job.js';
import { type JobWithClips, markRunStarted } from '../../storage/jobs-repository.js';
import type { ApiContext } from '../context.js';
import type { ApiDeps } from '../deps.js';

/**
 * Hands a committed job to Temporal. A job whose start fails here stays queued: its order was taken, and the reconciler
 * starts what is not noted as started, so the failure is logged and not told.
 */
export async function startRun(
  ctx: ApiContext,
  { jobStarter, knex }: Pick<ApiDeps, 'jobStarter' | 'knex'>,
  job: JobWithClips,
): Promise<void> {
  try {
    await jobStarter.start(videoJobStart(job));
    await markRunStarted(knex, job.id, job.runNumber);
  } catch (error) {
    ctx.state.log.warn({ err: error, jobId: job.id }, 'the start of the job is not certain: the reconciler repeats it');
  }
}
