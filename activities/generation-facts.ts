import type { GenerationFacts } from '../domain/activity-contract.js';
import type { Spent } from '../domain/contract.js';
import { oneLine } from '../domain/shown-text.js';
import type { JobOfMany } from '../storage/sub-job.js';
import { priceOf, type SubJobRecord } from '../storage/sub-jobs.js';
import type { ActivityDeps } from './deps.js';

const MAX_NAME = 100;

/** What whoever watches a generation is told of it. */
export const generationFacts = (
  { links }: Pick<ActivityDeps, 'links'>,
  subJob: SubJobRecord & JobOfMany,
): GenerationFacts => ({
  jobName: oneLine(subJob.jobName, MAX_NAME),
  of: subJob.of,
  model: subJob.model,
  durationSeconds: subJob.durationSeconds,
  attempt: subJob.attempt,
  priceUsd: priceOf(subJob, subJob),
  costUsd: subJob.costUsd ?? 0,
  links,
});

/** What all attempts of it have cost so far; nothing where that is nothing. */
export const spentOn = ({ costUsd }: Pick<SubJobRecord, 'costUsd'>): Spent =>
  costUsd === null || costUsd === 0 ? {} : { costUsd };
