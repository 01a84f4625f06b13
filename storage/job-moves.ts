/** How a job's own row moves on. */
import type { Knex } from 'knex';
import type { FailureInfo } from '../domain/contract.js';
import type { JobState } from '../domain/states.js';

export interface JobChange {
  status: JobState;
  error?: FailureInfo | null;
  warnings?: string[];
  videoBlobId?: string;
  /** How the video is cut: plain JSON, shown as it is. */
  cutPlan?: object;
  durationSeconds?: number;
  /** Sets the time of completion to now. */
  completed?: boolean;
}

/** Which job, and which run of it. */
interface RunOfJob {
  jobId: string;
  runNumber: number;
}

/**
 * Moves a job of the given run on and says whether it did: nothing happens when the job is in none of the states
 * `from`, or when a later run owns it by now. Once somebody asked for its end, it moves nowhere but to that, and once its media
 * are gone it moves nowhere.
 */
export async function moveJob(
  knex: Knex,
  run: RunOfJob,
  from: readonly JobState[],
  change: JobChange,
): Promise<boolean> {
  return (await moving(knex, run, from, change)) === 1;
}

/**
 * The same, and gives what `columns` select of `jobs`, named `j`, as it is then; undefined where nothing happened. Of other
 * tables they see what was there before.
 */
export async function moveJobReading<Row>(
  knex: Knex,
  run: RunOfJob,
  from: readonly JobState[],
  change: JobChange,
  columns: Record<string, string | Knex.Raw>,
): Promise<Row | undefined> {
  const named = Object.entries(columns).map(([name, column]) => knex.raw('?? as ??', [column, name]));
  const rows: Row[] = await moving(knex, run, from, change).returning(named as never);
  return rows[0];
}

const moving = (
  knex: Knex,
  { jobId, runNumber }: RunOfJob,
  from: readonly JobState[],
  change: JobChange,
): Knex.QueryBuilder =>
  knex('jobs as j')
    .where({ id: jobId, run_number: runNumber })
    .whereIn('status', [...from])
    .whereNull('media_deleted_at')
    .whereRaw('(? OR cancel_requested_at IS NULL)', [change.status === 'cancelled'])
    .update({
      status: change.status,
      // A cut that a worker takes over goes on from where it was seen last; another one begins anew.
      cut_fraction: knex.raw(`CASE WHEN status = 'composing' THEN cut_fraction ELSE 0 END`),
      updated_at: knex.fn.now(),
      ...(change.error === undefined ? {} : { error: change.error === null ? null : JSON.stringify(change.error) }),
      ...(change.warnings === undefined ? {} : { warnings: JSON.stringify(change.warnings) }),
      ...(change.videoBlobId === undefined ? {} : newVideo(knex, change.videoBlobId)),
      ...(change.cutPlan === undefined ? {} : { cut_plan: JSON.stringify(change.cutPlan) }),
      ...(change.durationSeconds === undefined ? {} : { duration_seconds: change.durationSeconds }),
      ...(change.completed === true ? { completed_at: knex.fn.now() } : {}),
    });

/** Another video has another poster. */
const newVideo = (knex: Knex, videoBlobId: string): Record<string, string | Knex.Raw> => ({
  video_blob_id: videoBlobId,
  poster_blob_id: knex.raw('CASE WHEN video_blob_id = ? THEN poster_blob_id END', [videoBlobId]),
});

/** Gives a job its poster, unless it has another video by now. */
export async function setPoster(
  knex: Knex,
  jobId: string,
  { posterBlobId, ofVideoBlobId }: { posterBlobId: string; ofVideoBlobId: string },
): Promise<void> {
  await knex('jobs')
    .where({ id: jobId, video_blob_id: ofVideoBlobId })
    .update({ poster_blob_id: posterBlobId, updated_at: knex.fn.now() });
}
