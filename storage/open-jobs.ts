import type { Knex } from 'knex';
import { FINAL_JOB_STATES, JOB_STATES, type JobState } from '../domain/states.js';
import { takeStarted } from './take-started.js';

/** States in which a workflow is at work on a job, or should be. */
export const OPEN_JOB_STATES: readonly JobState[] = JOB_STATES.filter(
  (state) => !(FINAL_JOB_STATES as readonly JobState[]).includes(state),
);

export interface StartedJob {
  jobId: string;
  runNumber: number;
  cancelRequestedAt: Date | null;
}

/** The jobs that `takeStarted` takes. */
export async function takeStartedJobs(knex: Knex, olderThanMs: number, limit: number): Promise<StartedJob[]> {
  const rows = await takeStarted<{ id: string; run_number: number; cancel_requested_at: Date | null }>(
    knex,
    {
      table: 'jobs',
      startedAt: 'run_started_at',
      open: OPEN_JOB_STATES,
      columns: ['id', 'run_number', 'cancel_requested_at'],
    },
    olderThanMs,
    limit,
  );
  return rows.map((row) => ({
    jobId: row.id,
    runNumber: row.run_number,
    cancelRequestedAt: row.cancel_requested_at,
  }));
}
