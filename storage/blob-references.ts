/** Which columns refer to blobs. Read from the database itself, so that a new table cannot be forgotten. */
import type { Knex } from 'knex';

export interface BlobReference {
  table: string;
  column: string;
  /** Columns of the table's primary key, in its order: what tells its rows apart. */
  key: string[];
}

/** Every column with a foreign key to `blobs`, sorted; but for the chunks, which are the blob. */
export async function listBlobReferences(knex: Knex): Promise<BlobReference[]> {
  const { rows } = await knex.raw<{ rows: BlobReference[] }>(`
    SELECT t.relname AS "table", a.attname AS "column",
      ARRAY(SELECT k.attname::text FROM pg_index i
        CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS part (attnum, place)
        JOIN pg_attribute k ON k.attrelid = i.indrelid AND k.attnum = part.attnum
        WHERE i.indrelid = t.oid AND i.indisprimary ORDER BY part.place) AS "key"
    FROM pg_constraint c
    JOIN pg_class t ON t.oid = c.conrelid
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]
    WHERE c.contype = 'f' AND c.confrelid = 'blobs'::regclass AND t.oid <> 'blob_chunks'::regclass
    ORDER BY 1, 2`);
  return rows;
}

/** SQL that is true of the row `b` of `blobs` where nothing refers to it. The names come out of the catalogue. */
export function unreferred(references: readonly BlobReference[]): string {
  const none = references.map(
    ({ table, column }) => `NOT EXISTS (SELECT FROM "${table}" r WHERE r."${column}" = b.id)`,
  );
  return none.length === 0 ? 'true' : none.join(' AND ');
}
