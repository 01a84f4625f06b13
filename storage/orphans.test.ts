import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { v7 as uuidv7 } from 'uuid';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { useDatabase } from '../test/support/use-database.js';
import { type BlobReference, listBlobReferences } from './blob-references.js';
import type { BlobRef, BlobStore } from './blob-store.js';
import type { Database } from './database.js';
import { deleteOrphan, findOrphans } from './orphans.js';
import { createPostgresBlobStore } from './postgres-blob-store.js';

const database = useDatabase();
let blobs: BlobStore;
let references: BlobReference[];
const ownerId = uuidv7();
beforeAll(async () => {
  blobs = createPostgresBlobStore(database.pool);
  references = await listBlobReferences(database.knex);
  await database.knex('owners').insert({ id: ownerId, name: 'Anna' });
});
beforeEach(async () => {
  await database.knex('assets').delete();
  await database.knex('blobs').delete();
});

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}
const put = (bytes: Buffer): Promise<BlobRef> => blobs.put(once(bytes), { contentType: 'image/png' });

/** Makes a row that refers to the blob, in whatever transaction is given. */
const refer = async (knex: Database['knex'], blobId: string): Promise<void> =>
  await knex('assets').insert({
    id: uuidv7(),
    owner_id: ownerId,
    blob_id: blobId,
    type: 'image',
    name: 'a picture',
    content_type: 'image/png',
  });

const sweep = async (graceMs = 0): Promise<string[]> => {
  const search = { references, graceMs };
  const { ids } = await findOrphans(database.knex, { ...search, afterId: null, limit: 1000 });
  const gone: string[] = [];
  for (const id of ids) if ((await deleteOrphan(database.knex, id, search)) !== undefined) gone.push(id);
  return gone;
};
const count = async (table: string): Promise<number> =>
  Number((await database.knex(table).count({ all: '*' }))[0]?.['all']);

describe('the sweep', () => {
  test('deletes what nothing refers to, with its chunks, and keeps what something refers to', async () => {
    const kept = await put(randomBytes(300_000));
    const orphan = await put(randomBytes(300_000));
    await refer(database.knex, kept.id);
    expect(await sweep()).toEqual([orphan.id]);
    expect(await blobs.stat(kept.id)).toBeDefined();
    expect([await count('blobs'), await count('blob_chunks')]).toEqual([1, 2]);
  });

  test('spares what was put within the grace, and what was put again within it', async () => {
    const old = await put(Buffer.from('old'));
    const again = await put(Buffer.from('again'));
    const fresh = await put(Buffer.from('fresh'));
    await database
      .knex('blobs')
      .whereIn('id', [old.id, again.id])
      .update({ last_put_at: new Date(0) });
    await put(Buffer.from('again'));
    expect(await sweep(60_000)).toEqual([old.id]);
    expect(await blobs.stat(fresh.id)).toBeDefined();
  });

  test('counts the age of a blob from the end of its put, however long that took', async () => {
    let go = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (go = resolve));
    async function* slowly(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('slow');
      await waiting;
    }
    const putting = blobs.put(slowly(), { contentType: 'image/png' });
    await expect
      .poll(
        async () =>
          (
            await database.knex.raw(
              `SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY blob_chunks%'`,
            )
          ).rows[0].n,
      )
      .toBeGreaterThan(0);
    const { rows } = await database.knex.raw<{ rows: { now: Date }[] }>('SELECT clock_timestamp() AS now');
    go();
    const { id } = await putting;
    const row: { last_put_at: Date } = await database.knex('blobs').where({ id }).first();
    expect(row.last_put_at.getTime()).toBeGreaterThanOrEqual((rows[0] as { now: Date }).now.getTime());
  });

  test('goes through the store page by page', async () => {
    for (let index = 0; index < 5; index += 1) await put(Buffer.from(`blob ${index}`));
    const search = { references, graceMs: 0, limit: 2 };
    const seen: string[] = [];
    let afterId: string | null = null;
    for (;;) {
      const page: Awaited<ReturnType<typeof findOrphans>> = await findOrphans(database.knex, { ...search, afterId });
      if (page.lastId === null) break;
      seen.push(...page.ids);
      afterId = page.lastId;
    }
    expect(new Set(seen).size).toBe(5);
  });

  test('leaves a blob that somebody is just referring to, whether or not that is committed', async () => {
    const { id } = await put(Buffer.from('wanted'));
    const trx = await database.knex.transaction();
    await refer(trx, id);
    expect(await sweep()).toEqual([]);
    await trx.commit();
    expect(await sweep()).toEqual([]);
    expect(await blobs.stat(id)).toBeDefined();
  });

  test('sees a reference that was committed after it had found the blob to be an orphan', async () => {
    const { id } = await put(Buffer.from('wanted'));
    const search = { references, graceMs: 0 };
    expect((await findOrphans(database.knex, { ...search, afterId: null, limit: 10 })).ids).toEqual([id]);
    await refer(database.knex, id);
    expect(await deleteOrphan(database.knex, id, search)).toBeUndefined();
    expect(await blobs.stat(id)).toBeDefined();
  });

  test('and whoever refers to a blob at the same time: one of the two wins, and no row is left without its bytes', async () => {
    const ids = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => (await put(Buffer.from(`race ${index}`))).id),
    );
    const search = { references, graceMs: 0 };
    const outcomes = await Promise.all(
      ids.map(async (id) => {
        const [deleted, referred] = await Promise.allSettled([
          deleteOrphan(database.knex, id, search),
          refer(database.knex, id),
        ]);
        if (deleted.status === 'rejected') throw deleted.reason;
        if (referred.status === 'rejected') expect(referred.reason).toMatchObject({ code: '23503' });
        return { deleted: deleted.value !== undefined, referred: referred.status === 'fulfilled' };
      }),
    );
    expect(outcomes.filter(({ deleted, referred }) => deleted === referred)).toEqual([]);
    expect(await count('blobs')).toBe(outcomes.filter(({ referred }) => referred).length);
  });

  test('and whoever puts the same bytes at the same time: what was put can be read, and referred to', async () => {
    for (let round = 0; round < 40; round += 1) {
      const bytes = randomBytes(300_000);
      const first = await put(bytes);
      const [again] = await Promise.all([
        put(bytes),
        deleteOrphan(database.knex, first.id, { references, graceMs: 0 }),
        deleteOrphan(database.knex, first.id, { references, graceMs: 0 }),
      ]);
      // With a grace, as the sweep has one, a put that has ended is safe; without, only one that ended last.
      if ((await blobs.stat(again.id)) === undefined) continue;
      await refer(database.knex, again.id);
      expect((await buffer(blobs.open(again.id))).equals(bytes)).toBe(true);
    }
    expect(await count('blob_chunks')).toBe(2 * (await count('blobs')));
  });

  test('with a grace never deletes what was put again, whichever comes first', async () => {
    for (let round = 0; round < 40; round += 1) {
      const bytes = randomBytes(1_000);
      const { id } = await put(bytes);
      await database
        .knex('blobs')
        .where({ id })
        .update({ last_put_at: new Date(0) });
      const [again] = await Promise.all([put(bytes), deleteOrphan(database.knex, id, { references, graceMs: 60_000 })]);
      await refer(database.knex, again.id);
      expect((await buffer(blobs.open(again.id))).equals(bytes)).toBe(true);
    }
  });
});
