/** Blobs that no row refers to: found page by page, deleted one by one. */
import type { Knex } from 'knex';
import { type BlobReference, unreferred } from './blob-references.js';

/** One page of the walk through all blobs. */
export interface OrphanPage {
  /** Those of the page that nothing refers to and that were last put before the grace began. */
  ids: string[];
  /** The last blob that was looked at; null where there is none after `afterId`. */
  lastId: string | null;
}

export interface OrphanSearch {
  references: readonly BlobReference[];
  /** Where the walk goes on; null for its beginning. */
  afterId: string | null;
  /** How long ago an orphan must have been put at least, in milliseconds: whoever puts one may not refer to it yet. */
  graceMs: number;
  /** How many blobs are looked at. */
  limit: number;
}

/** The orphans among the next `limit` blobs, by their ids. */
export async function findOrphans(knex: Knex, search: OrphanSearch): Promise<OrphanPage> {
  const { references, afterId, graceMs, limit } = search;
  const { rows } = await knex.raw<{ rows: { id: string; orphan: boolean }[] }>(
    `SELECT b.id, b.last_put_at <= now() - :graceMs * interval '1 millisecond' AND ${unreferred(references)} AS orphan
     FROM (SELECT id, last_put_at FROM blobs WHERE id > :afterId ORDER BY id LIMIT :limit) b ORDER BY b.id`,
    { graceMs, limit, afterId: afterId ?? '00000000-0000-0000-0000-000000000000' },
  );
  return { ids: rows.flatMap(({ id, orphan }) => (orphan ? [id] : [])), lastId: rows.at(-1)?.id ?? null };
}

/**
 * Deletes a blob that is still an orphan, and gives its size; undefined where it is none any more, or somebody is at it.
 * The lock comes first: with it nobody can refer to the blob or put its bytes again, and what was committed before is
 * seen by the second look.
 */
export async function deleteOrphan(
  knex: Knex,
  id: string,
  { references, graceMs }: Pick<OrphanSearch, 'references' | 'graceMs'>,
): Promise<number | undefined> {
  return await knex.transaction(async (trx) => {
    // A blob of some gigabytes takes longer than a query otherwise may.
    await trx.raw('SET LOCAL statement_timeout = 0');
    const locked: unknown = await trx('blobs').where({ id }).forUpdate().skipLocked().first('id');
    if (locked === undefined) return undefined;
    const { rows } = await trx.raw<{ rows: { size: number }[] }>(
      `DELETE FROM blobs b WHERE b.id = :id AND b.last_put_at <= now() - :graceMs * interval '1 millisecond'
         AND ${unreferred(references)} RETURNING b.size`,
      { id, graceMs },
    );
    return rows[0]?.size;
  });
}
