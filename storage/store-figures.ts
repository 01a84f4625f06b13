/** What the store holds, in figures. No content is read. */
import type { Knex } from 'knex';
import { type BlobReference, listBlobReferences, unreferred } from './blob-references.js';
import { readRoom } from './store-room.js';

/** Bytes and how many blobs have them. */
export interface Volume {
  blobs: number;
  bytes: number;
}

export interface StoreFigures extends Volume {
  /** By what refers to them, e.g. `clips`; a blob that several kinds refer to counts for each of them. */
  kinds: (Volume & { kind: string })[];
  /** What nothing refers to: it goes with a sweep, once it is old enough. */
  orphans: Volume;
  /** What open jobs, renditions and uploads are estimated to add. */
  reservedBytes: number;
  /** What the tables take on disk, rows that are gone and not cleaned up included. */
  diskBytes: number;
  limitBytes: number | null;
  /** What may still be promised; null without a limit, 0 where the store is full. */
  freeBytes: number | null;
}

/** Names for people; a column that is not here goes by its table's name. */
const KINDS: Record<string, string> = {
  'jobs.video_blob_id': 'videos',
  'jobs.poster_blob_id': 'previews',
  'video_previews.video_blob_id': 'videos',
  'video_previews.thumbnail_blob_id': 'previews',
  'video_previews.sprites_blob_id': 'previews',
  'video_previews.cues_blob_id': 'previews',
  'music_pieces.blob_id': 'music',
  'predictions.blob_id': 'purchases',
  'rendition_sources.blob_id': 'videos',
  'encoded_clips.blob_id': 'encoded clips',
};

export async function readStoreFigures(knex: Knex, limitBytes: number | undefined): Promise<StoreFigures> {
  const references = await listBlobReferences(knex);
  const { rows } = await knex.raw<{ rows: Volume[] }>(
    `SELECT count(*) AS blobs, coalesce(sum(b.size), 0) AS bytes FROM blobs b WHERE ${unreferred(references)}`,
  );
  const [all]: Volume[] = await knex('blobs')
    .count({ blobs: '*' })
    .select({ bytes: knex.raw('coalesce(sum(size), 0)') });
  const { storedBytes, reservedBytes } = await readRoom(knex);
  const disk = await knex.raw<{ rows: { bytes: number }[] }>(
    `SELECT pg_total_relation_size('blobs') + pg_total_relation_size('blob_chunks') AS bytes`,
  );
  return {
    blobs: all?.blobs ?? 0,
    bytes: storedBytes,
    kinds: await volumesByKind(knex, references),
    orphans: rows[0] ?? { blobs: 0, bytes: 0 },
    reservedBytes,
    diskBytes: disk.rows[0]?.bytes ?? 0,
    limitBytes: limitBytes ?? null,
    freeBytes: limitBytes === undefined ? null : Math.max(0, limitBytes - storedBytes - reservedBytes),
  };
}

async function volumesByKind(knex: Knex, references: readonly BlobReference[]): Promise<StoreFigures['kinds']> {
  const parts = references.map(
    ({ table, column }) =>
      `SELECT '${KINDS[`${table}.${column}`] ?? table}' AS kind, "${column}" AS id FROM "${table}" WHERE "${column}" IS NOT NULL`,
  );
  const { rows } = await knex.raw<{ rows: StoreFigures['kinds'] }>(
    `SELECT r.kind, count(*) AS blobs, sum(b.size) AS bytes FROM (${parts.join(' UNION ')}) r
     JOIN blobs b ON b.id = r.id GROUP BY r.kind ORDER BY sum(b.size) DESC, r.kind`,
  );
  return rows;
}
