import type { Knex } from 'knex';
import type { FailureInfo } from '../domain/contract.js';
import type { ModelName } from '../domain/models.js';
import type { ClipState } from '../domain/states.js';
import { given } from './list-page.js';

/** Where the provider reads a clip's images, and until when the links hold. */
export interface PreparedInputs {
  firstImageUrl: string | null;
  lastImageUrl: string | null;
  /** ISO 8601; null where nothing expires because there is nothing to read. */
  expiresAt: string | null;
}

/** A clip's row together with what its latest purchase says. Durations are seconds, money is US dollars. */
export interface ClipRecord {
  jobId: string;
  number: number;
  sceneName: string | null;
  status: ClipState;
  model: ModelName;
  prompt: string;
  durationSeconds: number;
  firstAssetId: string | null;
  lastAssetId: string | null;
  /** Where an image that was ordered by address lies; its asset is null until it has been fetched. */
  firstImageUrl: string | null;
  lastImageUrl: string | null;
  preparedInputs: PreparedInputs | null;
  blobId: string | null;
  blobSha256: string | null;
  sizeBytes: number | null;
  warnings: string[];
  error: FailureInfo | null;
  /** Number of the latest purchase; 0 before the first. */
  attempt: number;
  predictionId: string | null;
  /** What all purchases of this clip have cost so far; null while none has a price. */
  costUsd: number | null;
  startedAt: Date | null;
  completedAt: Date | null;
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

const select = (knex: Knex): Knex.QueryBuilder =>
  knex('clips as c')
    .leftJoin('blobs as b', 'b.id', 'c.blob_id')
    .joinRaw(
      `LEFT JOIN LATERAL (
         SELECT p.attempt, p.provider_id FROM predictions p
         WHERE p.job_id = c.job_id AND p.subject = 'clip:' || c.number ORDER BY p.attempt DESC LIMIT 1
       ) latest ON true`,
    )
    .select({
      jobId: 'c.job_id',
      number: 'c.number',
      sceneName: 'c.scene_name',
      status: 'c.status',
      model: 'c.model',
      prompt: 'c.prompt',
      durationSeconds: 'c.duration_seconds',
      firstAssetId: 'c.first_asset_id',
      lastAssetId: 'c.last_asset_id',
      firstImageUrl: 'c.first_image_url',
      lastImageUrl: 'c.last_image_url',
      preparedInputs: 'c.prepared_inputs',
      blobId: 'c.blob_id',
      blobSha256: 'b.sha256',
      sizeBytes: 'b.size',
      warnings: 'c.warnings',
      error: 'c.error',
      predictionId: 'latest.provider_id',
      startedAt: 'c.started_at',
      completedAt: 'c.completed_at',
      attempt: knex.raw('coalesce(latest.attempt, 0)') as Knex.Raw<number>,
      costUsd: knex.raw(
        `(SELECT sum(p.cost_usd) FROM predictions p WHERE p.job_id = c.job_id AND p.subject = 'clip:' || c.number)`,
      ) as Knex.Raw<number>,
    });

export async function insertClips(knex: Knex, jobId: string, clips: readonly NewClip[]): Promise<void> {
  await knex('clips').insert(
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
}

/** The clips of these jobs, in the order of their numbers. */
export async function listClips(knex: Knex, jobIds: readonly string[]): Promise<ClipRecord[]> {
  return await select(knex)
    .whereIn('c.job_id', [...jobIds])
    .orderBy(['c.job_id', 'c.number']);
}

export async function findClip(knex: Knex, jobId: string, number: number): Promise<ClipRecord | undefined> {
  return await select(knex).where({ 'c.job_id': jobId, 'c.number': number }).first();
}

export interface ClipChange {
  status?: ClipState;
  prompt?: string;
  model?: ModelName;
  firstAssetId?: string | null;
  lastAssetId?: string | null;
  firstImageUrl?: string | null;
  lastImageUrl?: string | null;
  preparedInputs?: PreparedInputs | null;
  blobId?: string;
  warnings?: string[];
  error?: FailureInfo | null;
  /** Sets the time of the first start to now, where none is set. */
  started?: boolean;
  /** Sets the time of completion to now, or takes it away. */
  completed?: boolean;
}

/** Changes a clip and says whether it did: nothing happens when the clip is in none of the states `from`. */
export async function moveClip(
  knex: Knex,
  { jobId, number }: { jobId: string; number: number },
  from: readonly ClipState[],
  change: ClipChange,
): Promise<boolean> {
  const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
  const moved = await knex('clips')
    .where({ job_id: jobId, number })
    .whereIn('status', [...from])
    .update({
      // A change of nothing but times would otherwise be an empty update.
      ...(change.status === undefined ? { status: knex.ref('status') } : { status: change.status }),
      ...given({
        prompt: change.prompt,
        model: change.model,
        first_asset_id: change.firstAssetId,
        last_asset_id: change.lastAssetId,
        first_image_url: change.firstImageUrl,
        last_image_url: change.lastImageUrl,
      }),
      ...(change.preparedInputs === undefined ? {} : { prepared_inputs: json(change.preparedInputs) }),
      ...(change.blobId === undefined ? {} : { blob_id: change.blobId }),
      ...(change.warnings === undefined ? {} : { warnings: JSON.stringify(change.warnings) }),
      ...(change.error === undefined ? {} : { error: json(change.error) }),
      ...(change.started === true ? { started_at: knex.raw('coalesce(started_at, now())') } : {}),
      ...(change.completed === undefined ? {} : { completed_at: change.completed ? knex.fn.now() : null }),
    });
  if (moved === 1) await knex('jobs').where({ id: jobId }).update({ updated_at: knex.fn.now() });
  return moved === 1;
}
