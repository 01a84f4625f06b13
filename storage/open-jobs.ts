import type { Knex } from 'knex';
import { FINAL_JOB_STATES, JOB_STATES, type JobState } from '../domain/states.js';

/** States in which a workflow is at work on a job, or should be. */
export const OPEN_JOB_STATES: readonly JobState[] = JOB_STATES.filter(
  (state) => !(FINAL_JOB_STATES as readonly JobState[]).includes(state),
);

export interface StartedJob {
  jobId: string;
  runNumber: number;
  cancelRequestedAt: Date | null;
}

/**
 * Open jobs whose run was handed to Temporal at least `olderThanMs` ago, at most `limit` of them: those that were looked
 * at the longest ago. They count as looked at now.
 */
export async function takeStartedJobs(knex: Knex, olderThanMs: number, limit: number): Promise<StartedJob[]> {
  const next = knex('jobs')
    .select('id')
    .whereIn('status', [...OPEN_JOB_STATES])
    .whereRaw(`run_started_at <= now() - ? * interval '1 millisecond'`, [olderThanMs])
    .orderByRaw('looked_at NULLS FIRST, id')
    .limit(limit);
  const rows: { id: string; run_number: number; cancel_requested_at: Date | null }[] = await knex('jobs')
    .whereIn('id', next)
    .update({ looked_at: knex.fn.now() })
    .returning(['id', 'run_number', 'cancel_requested_at']);
  return rows.map((row) => ({
    jobId: row.id,
    runNumber: row.run_number,
    cancelRequestedAt: row.cancel_requested_at,
  }));
}
