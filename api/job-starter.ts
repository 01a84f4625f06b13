import type { Client } from '@temporalio/client';
import { startVideoJob, type VideoJobStart } from '../activities/start-video-job.js';

/** Hands an ordered job to Temporal. */
export interface JobStarter {
  /** Resolves once Temporal has the run. Rejects, within a bounded time, when it could not be told. */
  start(job: VideoJobStart): Promise<void>;
}

/** Starts jobs through the client; gives up after `deadlineMs`, since an order must not wait for Temporal. */
export function createTemporalJobStarter(
  client: Client,
  { deadlineMs = 5_000, taskQueue }: { deadlineMs?: number; taskQueue?: string } = {},
): JobStarter {
  return {
    start: (job) =>
      client.withDeadline(Date.now() + deadlineMs, () =>
        startVideoJob(client, job, taskQueue === undefined ? {} : { taskQueue }),
      ),
  };
}
