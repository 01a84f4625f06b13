import type { Knex } from 'knex';
import type { FailureInfo } from '../domain/contract.js';
import type { Transition } from '../domain/orders.schema.js';
import type { ExportFormat, ExportQuality, RenditionKind, RenditionState } from '../domain/renditions.js';
import type { Page } from './jobs-repository.js';
import { given } from './list-page.js';

/** A rendition's row. Times are Dates, durations seconds, sizes bytes. */
export interface RenditionRecord {
  id: string;
  ownerId: string;
  kind: RenditionKind;
  /** Whose video is exported; null for a combination. */
  jobId: string | null;
  name: string;
  format: ExportFormat;
  /** Null for a combination. */
  quality: ExportQuality | null;
  /** How one video becomes the next; null for an export. */
  transition: Transition | null;
  status: RenditionState;
  /** Whole percent of the work. */
  percent: number;
  error: FailureInfo | null;
  blobId: string | null;
  sha256: string | null;
  sizeBytes: number | null;
  durationSeconds: number | null;
  /** When Temporal took its workflow; null while that is owed. */
  startedAt: Date | null;
  cancelRequestedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
  completedAt: Date | null;
  /** When its file went; its row stays. */
  mediaDeletedAt: Date | null;
  /** The videos it is made from, in playing order. */
  sources: RenditionSource[];
}

/** A video as it was when the rendition was asked for. */
export interface RenditionSource {
  jobId: string;
  /** These three are null once the video is gone, which is not before the rendition is over. */
  blobId: string | null;
  sha256: string | null;
  sizeBytes: number | null;
}

export type NewRendition = Pick<
  RenditionRecord,
  'id' | 'ownerId' | 'kind' | 'jobId' | 'name' | 'format' | 'quality' | 'transition'
> & { sources: readonly { jobId: string; blobId: string }[] };

export interface RenditionFilter {
  ownerId?: string;
  kind?: RenditionKind;
  jobId?: string;
}

export const selectRenditions = (knex: Knex): Knex.QueryBuilder =>
  knex('renditions as r')
    .leftJoin('blobs as b', 'b.id', 'r.blob_id')
    .select({
      id: 'r.id',
      ownerId: 'r.owner_id',
      kind: 'r.kind',
      jobId: 'r.job_id',
      name: 'r.name',
      format: 'r.format',
      quality: 'r.quality',
      transition: 'r.transition',
      status: 'r.status',
      percent: 'r.percent',
      error: 'r.error',
      blobId: 'r.blob_id',
      sha256: 'b.sha256',
      sizeBytes: 'b.size',
      durationSeconds: 'r.duration_seconds',
      startedAt: 'r.started_at',
      cancelRequestedAt: 'r.cancel_requested_at',
      createdAt: 'r.created_at',
      updatedAt: 'r.updated_at',
      completedAt: 'r.completed_at',
      mediaDeletedAt: 'r.media_deleted_at',
      sources: knex.raw(
        `(SELECT json_agg(json_build_object('jobId', s.job_id, 'blobId', s.blob_id, 'sha256', sb.sha256,
               'sizeBytes', sb.size)
             ORDER BY s.position)
           FROM rendition_sources s LEFT JOIN blobs sb ON sb.id = s.blob_id WHERE s.rendition_id = r.id)`,
      ) as Knex.Raw<RenditionSource[]>,
    });

/** Stores a rendition that is still to be made; inside the caller's transaction. */
export async function insertRendition(trx: Knex, rendition: NewRendition): Promise<void> {
  await trx('renditions').insert({
    id: rendition.id,
    owner_id: rendition.ownerId,
    kind: rendition.kind,
    job_id: rendition.jobId,
    name: rendition.name,
    format: rendition.format,
    quality: rendition.quality,
    transition: rendition.transition,
    status: 'queued' satisfies RenditionState,
  });
  await trx('rendition_sources').insert(
    rendition.sources.map(({ jobId, blobId }, index) => ({
      rendition_id: rendition.id,
      position: index + 1,
      job_id: jobId,
      blob_id: blobId,
    })),
  );
}

/** The rendition, or undefined where there is none that fits the filter as well. */
export async function findRendition(
  knex: Knex,
  id: string,
  filter: RenditionFilter = {},
): Promise<RenditionRecord | undefined> {
  return await selectRenditions(knex).where('r.id', id).where(matching(filter)).first();
}

/**
 * The export of exactly this video that is there, or on its way: one that failed, or whose end was asked for, is none.
 * The caller holds the job's lock, so that two requests do not both find none.
 */
export async function findLivingExport(
  trx: Knex,
  wanted: { jobId: string; sourceBlobId: string; format: ExportFormat; quality: ExportQuality },
): Promise<RenditionRecord | undefined> {
  return await selectRenditions(trx)
    .where({ 'r.kind': 'export', 'r.job_id': wanted.jobId, 'r.format': wanted.format, 'r.quality': wanted.quality })
    .whereIn('r.status', ['queued', 'running', 'completed'] satisfies RenditionState[])
    .whereNull('r.cancel_requested_at')
    .whereNull('r.media_deleted_at')
    .whereExists(
      trx('rendition_sources as s').whereRaw('s.rendition_id = r.id').where('s.blob_id', wanted.sourceBlobId),
    )
    .first();
}

/** The renditions that fit, newest first, and how many fit in all. */
export async function listRenditions(
  knex: Knex,
  filter: RenditionFilter,
  { page, limit }: Page,
): Promise<{ renditions: RenditionRecord[]; total: number }> {
  const [count] = await knex('renditions as r').where(matching(filter)).count({ total: '*' });
  const renditions: RenditionRecord[] = await selectRenditions(knex)
    .where(matching(filter))
    .orderBy([
      { column: 'r.created_at', order: 'desc' },
      { column: 'r.id', order: 'desc' },
    ])
    .limit(limit)
    .offset((page - 1) * limit);
  return { renditions, total: Number(count?.['total'] ?? 0) };
}

const matching = ({ ownerId, kind, jobId }: RenditionFilter): Record<string, unknown> =>
  given({ 'r.owner_id': ownerId, 'r.kind': kind, 'r.job_id': jobId });
