/** Every paid thing of a job, whatever it is: found by its subject, and priced. */
import type { Knex } from 'knex';
import { type GenerationInput, parseSubject } from '../domain/contract.js';
import { clipPriceUsd, roundUsd, videoModel } from '../domain/models.js';
import { musicModel } from '../domain/music.js';
import type { ClipState } from '../domain/states.js';
import { CLIP_COLUMNS, type ClipRecord, selectClips } from './clips-repository.js';
import { type LedgerRow, purchasesOf } from './ledger.js';
import type { MusicRecord } from './music-repository.js';
import {
  type Along,
  beginByMoving,
  type JobOfMany,
  type SubJobChange,
  type SubJobKey,
  selectSubJobs,
  subjectOf,
  withJobOfMany,
} from './sub-job.js';

export type SubJobRecord = ClipRecord | MusicRecord;

/** Which row a subject names; undefined for kinds that have none. */
export function subJobKey({ jobId, subject }: GenerationInput): SubJobKey | undefined {
  const { kind, number } = parseSubject(subject);
  return kind === 'clip' || kind === 'music' ? { kind, jobId, number } : undefined;
}

const select = (knex: Knex, { kind, jobId, number }: SubJobKey): Knex.QueryBuilder =>
  (kind === 'clip' ? selectClips(knex) : selectSubJobs(knex, kind)).where({ 'c.job_id': jobId, 'c.number': number });

/** The row that a subject names, or undefined. */
export async function findSubJob(knex: Knex, generation: GenerationInput): Promise<SubJobRecord | undefined> {
  const key = subJobKey(generation);
  return key === undefined ? undefined : await select(knex, key).first();
}

/** The same together with what its job says of it. */
export async function findSubJobOfMany(
  knex: Knex,
  generation: GenerationInput,
): Promise<(SubJobRecord & JobOfMany) | undefined> {
  const key = subJobKey(generation);
  return key === undefined ? undefined : await withJobOfMany(knex, key.kind, select(knex, key)).first();
}

/** The same together with what a selection counts, in one statement. */
export async function findSubJobAndCount(
  knex: Knex,
  generation: GenerationInput,
  count: Knex.QueryBuilder,
): Promise<{ subJob: SubJobRecord; counted: number } | undefined> {
  const key = subJobKey(generation);
  if (key === undefined) return undefined;
  const row: (SubJobRecord & { counted: number }) | undefined = await select(knex, key)
    .select({ counted: count as never })
    .first();
  if (row === undefined) return undefined;
  const { counted, ...subJob } = row;
  return { subJob, counted };
}

/**
 * Moves a row as `moveSubJob` does and gives it as it was before, with what its purchases cost after `settled`: the end of
 * one of them, written if the row moves. Undefined where nothing happened.
 */
export async function moveAndReadSubJob(
  knex: Knex,
  generation: GenerationInput,
  from: readonly ClipState[],
  change: SubJobChange,
  { unless, settled }: Pick<Along, 'unless'> & { settled?: Knex.QueryBuilder | undefined },
): Promise<SubJobRecord | undefined> {
  const key = subJobKey(generation);
  if (key === undefined) return undefined;
  const along = { ...(unless && { unless }), ...(settled && { with: settled.returning('cost_usd') }) };
  const row: (SubJobRecord & { settledUsd: number | null }) | undefined = await beginByMoving(
    knex,
    select(knex, key).whereExists(knex.from('moved').select('job_id')),
    key,
    from,
    change,
    along,
  )
    .select({ settledUsd: settled ? (knex.from('also').select('cost_usd') as never) : knex.raw('NULL') })
    .first();
  if (row === undefined) return undefined;
  const { settledUsd, ...subJob } = row;
  // The statement sees the ledger as it was: without the cost that it writes.
  return settledUsd === null ? subJob : { ...subJob, costUsd: roundUsd((subJob.costUsd ?? 0) + settledUsd) };
}

/** All of a job's: clips first, each kind in the order of its numbers. */
export async function listSubJobs(knex: Knex, jobId: string): Promise<SubJobRecord[]> {
  const ofMusic = Object.fromEntries(Object.keys(CLIP_COLUMNS).map((name) => [name, knex.raw('NULL')]));
  const rows: SubJobRecord[] = await selectClips(knex)
    .where('c.job_id', jobId)
    .unionAll(selectSubJobs(knex, 'music').select(ofMusic).where('c.job_id', jobId))
    .orderBy(['kind', 'number']);
  return rows;
}

/** All its purchases, the newest first. The row as it was read says whether there were any: without, nothing is asked. */
export async function purchasesOfSubJob(knex: Knex, subJob: SubJobRecord): Promise<LedgerRow[]> {
  return subJob.attempt === 0 ? [] : await purchasesOf(knex, subJob.jobId, subjectOf(subJob));
}

/** What another purchase of it would cost, in US dollars. */
export function priceOf(subJob: SubJobRecord, { generateAudio }: { generateAudio: boolean }): number {
  return subJob.kind === 'music' ? musicModel(subJob.model).priceUsd : clipPriceUsd({ ...subJob, generateAudio });
}

/** The provider's name of its model, `owner/name`. */
export function providerModelOf(subJob: SubJobRecord): `${string}/${string}` {
  return subJob.kind === 'music' ? musicModel(subJob.model).replicateModel : videoModel(subJob.model).replicateModel;
}
