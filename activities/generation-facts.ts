import type { GenerationFacts } from '../domain/activity-contract.js';
import type { Spent } from '../domain/contract.js';
import { oneLine } from '../domain/shown-text.js';
import { findJobOfMany } from '../storage/sub-job.js';
import { priceOf, type SubJobRecord } from '../storage/sub-jobs.js';
import type { ActivityDeps } from './deps.js';
import { present } from './required-rows.js';

const MAX_NAME = 100;

/** What whoever watches a generation is told of it. Throws NOT_FOUND without its job's row. */
export async function generationFacts(
  { knex, links }: Pick<ActivityDeps, 'knex' | 'links'>,
  subJob: SubJobRecord,
): Promise<GenerationFacts> {
  const job = present(await findJobOfMany(knex, subJob), subJob.jobId);
  return {
    jobName: oneLine(job.name, MAX_NAME),
    of: job.of,
    model: subJob.model,
    durationSeconds: subJob.durationSeconds,
    attempt: subJob.attempt,
    priceUsd: priceOf(subJob, job),
    costUsd: subJob.costUsd ?? 0,
    links,
  };
}

/** What all attempts of it have cost so far; nothing where that is nothing. */
export const spentOn = ({ costUsd }: Pick<SubJobRecord, 'costUsd'>): Spent =>
  costUsd === null || costUsd === 0 ? {} : { costUsd };
