/** Every paid thing of a job, whatever it is: found by its subject, and priced. */
import type { Knex } from 'knex';
import { type GenerationInput, parseSubject } from '../domain/contract.js';
import { clipPriceUsd, videoModel } from '../domain/models.js';
import { musicModel } from '../domain/music.js';
import { type ClipRecord, listClips, selectClips } from './clips-repository.js';
import { type LedgerRow, purchasesOf } from './ledger.js';
import { listMusic, type MusicRecord } from './music-repository.js';
import { type JobOfMany, type SubJobKey, selectSubJobs, subjectOf, withJobOfMany } from './sub-job.js';

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

/** All of a job's: clips first, each kind in the order of its numbers. */
export async function listSubJobs(knex: Knex, jobId: string): Promise<SubJobRecord[]> {
  return [...(await listClips(knex, [jobId])), ...(await listMusic(knex, [jobId]))];
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
