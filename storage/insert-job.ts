import type { Knex } from 'knex';
import { DEFAULT_ASPECT_RATIO, DEFAULT_MODEL, DEFAULT_RESOLUTION } from '../domain/models.js';
import type { MusicPiece } from '../domain/music.js';
import { type ClipFailurePolicy, type JobOrder, resolutionOf } from '../domain/orders.schema.js';
import type { JobState } from '../domain/states.js';
import { clipsInserted, type NewClip } from './clips-repository.js';
import { requireAssetsKept } from './delete-asset.js';
import { musicInserted } from './music-repository.js';

export interface NewJob {
  id: string;
  ownerId: string;
  name: string;
  order: JobOrder;
  estimatedCostUsd: number;
  warnings: string[];
  clips: NewClip[];
  music?: MusicPiece[];
}

/**
 * Stores a job with its clips and its music, all or nothing. The caller starts the workflow afterwards. Throws
 * ASSET_NOT_FOUND for an image that was deleted meanwhile.
 */
export async function insertJob(knex: Knex, job: NewJob): Promise<void> {
  const illustrated = job.clips.filter(
    ({ firstAssetId, lastAssetId }) => firstAssetId !== null || lastAssetId !== null,
  );
  if (illustrated.length === 0) return await inserted(knex, job);
  await knex.transaction(async (trx) => {
    await inserted(trx, job);
    for (const { number, firstAssetId, lastAssetId } of illustrated) {
      await requireAssetsKept(trx, [firstAssetId, lastAssetId], `clip ${number}`);
    }
  });
}

/** One statement: its foreign keys are looked at when all of its rows are there. */
const inserted = (knex: Knex, job: NewJob): Knex.QueryBuilder => {
  const { order, clips, music = [] } = job;
  const parts = knex.queryBuilder().modify((statement) => {
    if (clips.length > 0) void statement.with('clips', clipsInserted(knex, job.id, clips));
    if (music.length > 0) void statement.with('music', musicInserted(knex, job.id, music));
  });
  return parts.into('jobs').insert({
    id: job.id,
    owner_id: job.ownerId,
    campaign_id: order.campaignId ?? null,
    kind: order.kind,
    name: job.name,
    status: 'queued' satisfies JobState,
    ...settingsOf(order),
    order_body: JSON.stringify(order),
    metadata: JSON.stringify(order.metadata),
    warnings: JSON.stringify(job.warnings),
    estimated_cost_usd: job.estimatedCostUsd,
    budget_usd: order.budgetUsd ?? null,
  });
};

/** Music by itself has none of these; its rows say what is made. */
function settingsOf(order: JobOrder): Record<string, unknown> {
  const video = order.kind === 'music' ? undefined : order;
  return {
    model: video?.model ?? DEFAULT_MODEL,
    resolution: video === undefined ? DEFAULT_RESOLUTION : resolutionOf(video),
    aspect_ratio: video?.aspectRatio ?? DEFAULT_ASPECT_RATIO,
    generate_audio: video?.generateAudio ?? false,
    on_clip_failure: video?.onClipFailure ?? ('wait' satisfies ClipFailurePolicy),
  };
}
