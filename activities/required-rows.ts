/** What several activities ask of the rows they work on. */
import type { Knex } from 'knex';
import type { GenerationInput } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { CLIP_STATES, JOB_STATES } from '../domain/states.js';
import { findJob, findJobRow, type JobRecord, type JobRow } from '../storage/jobs-repository.js';
import type { JobOfMany } from '../storage/sub-job.js';
import { findSubJob, findSubJobOfMany, type SubJobRecord } from '../storage/sub-jobs.js';

/** What is stored stays stored; from every other state a clip may still move, since what is paid is stored. */
export const NOT_STORED = CLIP_STATES.filter((state) => state !== 'stored');

/** What ends with its job. */
export const UNFINISHED = CLIP_STATES.filter((state) => !['stored', 'skipped', 'failed', 'cancelled'].includes(state));
/** `cancelled` is final; a reset may lead back from every other state of a job. */
export const NOT_CANCELLED = JOB_STATES.filter((state) => state !== 'cancelled');

/** The job with all that is known of it; throws NOT_FOUND without its row. */
export async function requireJob(knex: Knex, jobId: string): Promise<JobRecord> {
  return present(await findJob(knex, jobId), jobId);
}

/** The job's own row, which costs the database much less; throws NOT_FOUND without it. */
export async function requireJobRow(knex: Knex, jobId: string): Promise<JobRow> {
  return present(await findJobRow(knex, jobId), jobId);
}

/** What was read of a job; throws NOT_FOUND where nothing was. */
export function present<Job>(job: Job | undefined, jobId: string): Job {
  if (job !== undefined) return job;
  throw new ReelwrightError('NOT_FOUND', `expected a row for job ${jobId}, found none`);
}

/** The row of what a generation makes; throws NOT_FOUND without it. */
export async function requireSubJob(knex: Knex, generation: GenerationInput): Promise<SubJobRecord> {
  return presentSubJob(await findSubJob(knex, generation), generation);
}

/** The same together with what its job says of it. */
export async function requireSubJobOfMany(knex: Knex, generation: GenerationInput): Promise<SubJobRecord & JobOfMany> {
  return presentSubJob(await findSubJobOfMany(knex, generation), generation);
}

/** What was read of it; throws NOT_FOUND where nothing was. */
function presentSubJob<Row>(row: Row | undefined, { jobId, subject }: GenerationInput): Row {
  if (row !== undefined) return row;
  throw new ReelwrightError('NOT_FOUND', `expected a row for ${subject} of job ${jobId}, found none`);
}
