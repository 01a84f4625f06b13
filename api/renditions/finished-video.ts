import type { Knex } from 'knex';
import { ReelwrightError } from '../../domain/errors.js';
import { FINAL_JOB_STATES, type JobState } from '../../domain/states.js';
import { findJob, type JobRecord } from '../../storage/jobs-repository.js';

/** A job that nobody is at work on and that has a video. */
export type FinishedVideo = JobRecord & { videoBlobId: string };

export const isFinishedVideo = (job: JobRecord): job is FinishedVideo =>
  job.videoBlobId !== null && (FINAL_JOB_STATES as readonly JobState[]).includes(job.status);

/** The owner's finished videos in the order of `jobIds`; throws VIDEO_NOT_FOUND that names the first that is none. */
export async function readFinishedVideos(
  knex: Knex,
  ownerId: string,
  jobIds: readonly string[],
): Promise<FinishedVideo[]> {
  const videos: FinishedVideo[] = [];
  for (const [index, jobId] of jobIds.entries()) {
    const path = `videoIds.${index}`;
    const job = await findJob(knex, jobId, ownerId);
    if (job !== undefined && isFinishedVideo(job)) {
      videos.push(job);
      continue;
    }
    const seen = job === undefined ? 'there is none' : `its job is ${job.status}`;
    throw new ReelwrightError(
      'VIDEO_NOT_FOUND',
      `${path}: expected the id of a finished video, got ${jobId}: ${seen}`,
      {
        details: { path, expected: 'the id of a finished video', seen: jobId },
      },
    );
  }
  return videos;
}
