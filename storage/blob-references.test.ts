import { describe, expect, test } from 'vitest';
import { useDatabase } from '../test/support/use-database.js';
import { listBlobReferences } from './blob-references.js';

const database = useDatabase();

const named = async (): Promise<string[]> =>
  (await listBlobReferences(database.knex)).map(({ table, column }) => `${table}.${column}`);

describe('what refers to blobs', () => {
  test('is every column of the schema that is named after one, by a foreign key that refuses the delete at once', async () => {
    const { rows } = await database.knex.raw<{ rows: { name: string; refuses: boolean | null }[] }>(`
      SELECT a.attrelid::regclass || '.' || a.attname AS name,
        (SELECT bool_and(c.confdeltype IN ('a', 'r') AND NOT c.condeferrable) FROM pg_constraint c
          WHERE c.contype = 'f' AND c.conrelid = a.attrelid AND c.conkey = ARRAY[a.attnum]
            AND c.confrelid = 'blobs'::regclass) AS refuses
      FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
      WHERE t.relkind = 'r' AND t.relnamespace = 'public'::regnamespace AND a.attname LIKE '%blob_id'
        AND t.relname <> 'blob_chunks' ORDER BY 1`);
    expect(rows.length).toBeGreaterThanOrEqual(12);
    expect(rows.filter(({ refuses }) => refuses !== true)).toEqual([]);
    expect(await named()).toEqual(expect.arrayContaining(rows.map(({ name }) => name)));
  });

  test('can be found by an index, so that a sweep need not read whole tables', async () => {
    const { rows } = await database.knex.raw<{ rows: { name: string }[] }>(`
      SELECT c.conrelid::regclass || '.' || a.attname AS name FROM pg_constraint c
      JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
      WHERE c.contype = 'f' AND c.confrelid = 'blobs'::regclass AND NOT EXISTS (
        SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND (i.indkey::smallint[])[0] = c.conkey[1]
          AND i.indpred IS NULL)`);
    expect(rows).toEqual([]);
  });

  test('is seen in a table that is new, with the key of its rows', async () => {
    await database.knex.raw(`
      CREATE TABLE keepsakes (place text, number integer, picture uuid REFERENCES blobs (id), PRIMARY KEY (number, place))`);
    try {
      const found = (await listBlobReferences(database.knex)).find(({ table }) => table === 'keepsakes');
      expect(found).toEqual({ table: 'keepsakes', column: 'picture', key: ['number', 'place'] });
    } finally {
      await database.knex.raw('DROP TABLE keepsakes');
    }
  });
});
