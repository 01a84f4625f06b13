import type { Knex } from 'knex';
import { DEFAULT_ASPECT_RATIO, DEFAULT_MODEL, DEFAULT_RESOLUTION } from '../domain/models.js';
import type { MusicPiece } from '../domain/music.js';
import { type ClipFailurePolicy, type JobOrder, resolutionOf } from '../domain/orders.schema.js';
import type { JobState } from '../domain/states.js';
import { insertClips, type NewClip } from './clips-repository.js';
import { insertMusic } from './music-repository.js';

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

/** Stores a job and its clips, both or neither. The caller starts the workflow afterwards. */
export async function insertJob(knex: Knex, job: NewJob): Promise<void> {
  const { order } = job;
  await knex.transaction(async (trx) => {
    await trx('jobs').insert({
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
    await insertClips(trx, job.id, job.clips);
    await insertMusic(trx, job.id, job.music ?? []);
  });
}

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
