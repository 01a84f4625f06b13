import type { Knex } from 'knex';
import type { ModelName } from '../domain/models.js';
import type { ClipState } from '../domain/states.js';
import { given } from './list-page.js';
import { moveSubJob, type SubJob, type SubJobChange, selectSubJobs } from './sub-job.js';

/** A clip's row together with what its latest purchase says. */
export interface ClipRecord extends SubJob {
  kind: 'clip';
  sceneName: string | null;
  model: ModelName;
  firstAssetId: string | null;
  lastAssetId: string | null;
  /** Where an image that was ordered by address lies; its asset is null until it has been fetched. */
  firstImageUrl: string | null;
  lastImageUrl: string | null;
}

export interface NewClip {
  number: number;
  sceneName: string | null;
  model: ModelName;
  prompt: string;
  durationSeconds: number;
  firstAssetId: string | null;
  lastAssetId: string | null;
  /** Where an image is to be fetched from that has no asset yet. */
  firstImageUrl?: string | null;
  lastImageUrl?: string | null;
}

/** What a clip has beside what every `SubJob` has. */
export const CLIP_COLUMNS = {
  sceneName: 'c.scene_name',
  firstAssetId: 'c.first_asset_id',
  lastAssetId: 'c.last_asset_id',
  firstImageUrl: 'c.first_image_url',
  lastImageUrl: 'c.last_image_url',
};

/** Selects a `ClipRecord` from `clips`, named `c`. */
export const selectClips = (knex: Knex): Knex.QueryBuilder => selectSubJobs(knex, 'clip').select(CLIP_COLUMNS);

/** The statement, still to be run, that writes a new job's clips. */
export const clipsInserted = (knex: Knex, jobId: string, clips: readonly NewClip[]): Knex.QueryBuilder =>
  knex('clips').insert(
    clips.map((clip) => ({
      job_id: jobId,
      number: clip.number,
      scene_name: clip.sceneName,
      status: 'pending' satisfies ClipState,
      model: clip.model,
      prompt: clip.prompt,
      duration_seconds: clip.durationSeconds,
      first_asset_id: clip.firstAssetId,
      last_asset_id: clip.lastAssetId,
      first_image_url: clip.firstImageUrl ?? null,
      last_image_url: clip.lastImageUrl ?? null,
    })),
  );

/** The clips of these jobs, in the order of their numbers. */
export async function listClips(knex: Knex, jobIds: readonly string[]): Promise<ClipRecord[]> {
  return await selectClips(knex)
    .whereIn('c.job_id', [...jobIds])
    .orderBy(['c.job_id', 'c.number']);
}

export async function findClip(knex: Knex, jobId: string, number: number): Promise<ClipRecord | undefined> {
  return await selectClips(knex).where({ 'c.job_id': jobId, 'c.number': number }).first();
}

export interface ClipChange extends SubJobChange {
  prompt?: string;
  model?: ModelName;
  firstAssetId?: string | null;
  lastAssetId?: string | null;
  firstImageUrl?: string | null;
  lastImageUrl?: string | null;
}

/** Changes a clip, what it is made of included, and says whether it did: see `moveSubJob`. */
export async function moveClip(
  knex: Knex,
  { jobId, number }: { jobId: string; number: number },
  from: readonly ClipState[],
  change: ClipChange,
): Promise<boolean> {
  const columns = given({
    prompt: change.prompt,
    model: change.model,
    first_asset_id: change.firstAssetId,
    last_asset_id: change.lastAssetId,
    first_image_url: change.firstImageUrl,
    last_image_url: change.lastImageUrl,
  });
  return await moveSubJob(knex, { kind: 'clip', jobId, number }, from, change, { columns });
}
