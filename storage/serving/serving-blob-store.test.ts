import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { chunksOf, createServingRig, SERVING, type ServingRig } from '../../test/support/serving-rig.js';
import type { ByteRange, ServingBlobStore } from '../blob-store.js';
import { describeBlobStore, inPieces } from '../blob-store-contract.js';
import { openDatabase } from '../database.js';
import { CHUNK_SIZE } from '../postgres-blob-writer.js';
import { DiskCache } from './disk-cache.js';
import { MAX_PIECE_BYTES } from './read-piece.js';
import { createServingBlobStore, type ServingOptions } from './serving-blob-store.js';

const MP4 = { contentType: 'video/mp4' };
const MIB = 1024 * 1024;

let rig: ServingRig;
beforeAll(async () => {
  rig = await createServingRig();
});
afterAll(async () => {
  for (const disk of disks) await disk.close();
  await rig?.close();
});
beforeEach(() => void (rig.queries.length = 0));

/** A store like one of a process that has just started. */
const fresh = (options: ServingOptions): ServingBlobStore => createServingBlobStore(rig.database.pool, options);

async function put(size: number): Promise<{ id: string; bytes: Buffer }> {
  const bytes = randomBytes(size);
  const { id } = await createServingBlobStore(rig.writer.pool).put(inPieces(bytes), MP4);
  return { id, bytes };
}

async function kept(): Promise<{ blobs: number; chunks: number }> {
  const { rows } = await rig.database.pool.query<{ blobs: number; chunks: number }>(
    'SELECT (SELECT count(*) FROM blobs) AS blobs, (SELECT count(*) FROM blob_chunks) AS chunks',
  );
  return rows[0] ?? { blobs: Number.NaN, chunks: Number.NaN };
}

const read = (store: ServingBlobStore, id: string, range?: ByteRange): Promise<Buffer> => buffer(store.open(id, range));
const busy = (): number => rig.database.pool.totalCount - rig.database.pool.idleCount;

const disks: DiskCache[] = [];
async function newDisk(maxBytes = 256 * MIB): Promise<DiskCache> {
  const disk = new DiskCache({ folder: join(rig.folder, `cache-${disks.length}`), maxBytes });
  disks.push(disk);
  await disk.adopt();
  return disk;
}

const WAYS: [string, () => Promise<ServingOptions>][] = [
  ['without any cache', async () => ({ memoryBytes: 0 })],
  ['with memory', async () => ({})],
  ['with a disk', async () => ({ memoryBytes: 0, disk: await newDisk() })],
  ['with memory and a disk', async () => ({ disk: await newDisk() })],
  ['with too little memory and disk', async () => ({ memoryBytes: CHUNK_SIZE, disk: await newDisk(3 * CHUNK_SIZE) })],
];

describe.each(WAYS)('the serving store %s', (_title, optionsOf) => {
  let options: ServingOptions;
  let store: ServingBlobStore;
  beforeAll(async () => {
    options = await optionsOf();
    store = fresh(options);
  });

  describeBlobStore({ store: () => store, kept, readsWhatIsDeleted: false });

  test('gives the same bytes again and again, to many readers at once, each with its own ranges', async () => {
    const { id, bytes } = await put(9 * CHUNK_SIZE + 77);
    const ranges = Array.from({ length: 40 }, () => {
      const [a, b] = [Math.random(), Math.random()].map((share) => Math.floor(share * bytes.length)) as [
        number,
        number,
      ];
      return { start: Math.min(a, b), end: Math.max(a, b) };
    });
    for (let round = 0; round < 2; round += 1) {
      const seen = await Promise.all(ranges.map((range) => read(store, id, range)));
      for (const [index, range] of ranges.entries())
        expect(seen[index]?.equals(bytes.subarray(range.start, range.end + 1))).toBe(true);
      await options.disk?.settle();
    }
  });

  test('holds no connection while a reader waits for its client, and asks for little at a time', async () => {
    const { id, bytes } = await put(20 * MIB);
    const reader = store.pieces(id);
    let size = (await reader.next()).value?.length ?? 0;
    await expect.poll(busy).toBe(0);
    const first = rig.queries.length;
    for (let next = await reader.next(); next.done !== true; next = await reader.next()) size += next.value.length;
    expect(size).toBe(bytes.length);
    expect(rig.queries.length).toBeGreaterThan(first);
    for (const query of rig.queries) {
      const [from, to] = chunksOf(query);
      expect((to - from + 1) * CHUNK_SIZE).toBeLessThanOrEqual(MAX_PIECE_BYTES);
    }
  });

  test('reads of a blob that it does not have only the chunks of the range', async () => {
    const { id, bytes } = await put(30 * CHUNK_SIZE);
    const range = { start: 11 * CHUNK_SIZE + 5, end: 12 * CHUNK_SIZE + 9 };
    expect((await read(store, id, range)).equals(bytes.subarray(range.start, range.end + 1))).toBe(true);
    const asked = rig.queries.map(chunksOf);
    expect([Math.min(...asked.map(([from]) => from)), Math.max(...asked.map(([, to]) => to))]).toEqual([11, 12]);
  });

  test('of a blob that is deleted while it is read gives an error and never other bytes', async () => {
    const { id, bytes } = await put(24 * MIB);
    const reader = store.pieces(id);
    const got = [(await reader.next()).value as Buffer];
    await store.delete(id);
    const rest = (async () => {
      for (let next = await reader.next(); next.done !== true; next = await reader.next()) got.push(next.value);
    })();
    await expect(rest).rejects.toThrow(`blob ${id}`);
    const seen = Buffer.concat(got);
    expect(seen.equals(bytes.subarray(0, seen.length))).toBe(true);
  });

  test('goes on where a connection broke, with the right bytes', async () => {
    const { id, bytes } = await put(24 * MIB);
    const got: Buffer[] = [];
    for await (const piece of store.pieces(id)) {
      got.push(piece);
      if (got.length % 30 === 1) await endBackends();
    }
    expect(Buffer.concat(got).equals(bytes)).toBe(true);
  });
});

/** Ends all backends of the pool, busy or idle, and waits until they are gone: they must not be those of the next test. */
async function endBackends(): Promise<void> {
  await rig.writer.knex.raw(
    'SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = ?',
    [SERVING],
  );
}

describe('readers of the same blob at the same time', () => {
  test('share the queries for it', async () => {
    const { id, bytes } = await put(16 * CHUNK_SIZE);
    const store = fresh({});
    await Promise.all(Array.from({ length: 20 }, async () => expect((await read(store, id)).equals(bytes)).toBe(true)));
    const times = new Map<number, number>();
    for (const [from, to] of rig.queries.map(chunksOf))
      for (let n = from; n <= to; n += 1) times.set(n, (times.get(n) ?? 0) + 1);
    expect([...times.values()]).toEqual(Array.from({ length: 16 }, () => 1));
  });

  test('are given what one of them has fetched and not yet given out, where nothing keeps it', async () => {
    const { id, bytes } = await put(16 * CHUNK_SIZE);
    const store = fresh({ memoryBytes: 0, aheadBytes: 16 * MIB });
    // From here on the store knows the blob, so that both ask for its first chunk at the same moment.
    await read(store, id, { start: 0, end: 9 });
    rig.queries.length = 0;
    const [slow, other] = [store.pieces(id), store.pieces(id)];
    await Promise.all([slow.next(), other.next()]);
    expect(rig.queries.map(chunksOf)).toEqual([[0, 15]]);
    await other.return();
    expect((await read(store, id)).equals(bytes)).toBe(true);
    expect(rig.queries.length).toBe(1);
    await slow.return();
    expect((await read(store, id)).equals(bytes)).toBe(true);
    expect(rig.queries.length).toBe(2);
  });

  test('do not depend on each other: one that gives up early leaves the others their patience', async () => {
    const { id, bytes } = await put(2 * CHUNK_SIZE);
    let away: Promise<void> | undefined;
    const pool = Object.create(rig.database.pool) as typeof rig.database.pool;
    pool.connect = (async () => {
      if (away === undefined) return await rig.database.pool.connect();
      await away;
      throw new Error('connect ECONNREFUSED');
    }) as typeof pool.connect;
    // One chunk at a time, so that both come to the second one.
    const store = createServingBlobStore(pool, { memoryBytes: 0, aheadBytes: CHUNK_SIZE });
    const begun = store.pieces(id);
    await begun.next();
    let refuse: () => void = () => undefined;
    away = new Promise((resolve) => void (refuse = resolve));
    const late = store.pieces(id, { start: CHUNK_SIZE, end: 2 * CHUNK_SIZE - 1 }).next();
    await new Promise(setImmediate);
    const second = begun.next();
    await new Promise(setImmediate);
    away = undefined;
    refuse();
    await expect(late).rejects.toMatchObject({ code: 'NOT_READY' });
    expect((await second).value?.equals(bytes.subarray(CHUNK_SIZE))).toBe(true);
    await begun.return();
  });

  test('that wait for the same database wait no longer than one of them would', async () => {
    const { id } = await put(2 * CHUNK_SIZE);
    const patienceMs = 1_500;
    const pool = Object.create(rig.database.pool) as typeof rig.database.pool;
    const store = createServingBlobStore(pool, { memoryBytes: 0, aheadBytes: CHUNK_SIZE, patienceMs });
    const readers = Array.from({ length: 5 }, () => store.pieces(id));
    for (const reader of readers) await reader.next();
    let attempts = 0;
    pool.connect = (async () => {
      attempts += 1;
      throw new Error('connect ECONNREFUSED');
    }) as typeof pool.connect;
    const ends = await Promise.allSettled(readers.map((reader) => reader.next()));
    expect(ends.map(({ status }) => status)).toEqual(readers.map(() => 'rejected'));
    // One attempt each 200 ms for all of them, and at the end one more for each.
    expect(attempts).toBeLessThanOrEqual(Math.ceil(patienceMs / 200) + readers.length + 1);
  });

  test('are told at once when the pool is closed, as it is when the process ends', async () => {
    const { id } = await put(2 * CHUNK_SIZE);
    const own = openDatabase(rig.url);
    const reader = createServingBlobStore(own.pool, {
      memoryBytes: 0,
      aheadBytes: CHUNK_SIZE,
      patienceMs: 600_000,
    }).pieces(id);
    await reader.next();
    await own.close();
    await expect(reader.next()).rejects.toMatchObject({ code: 'NOT_READY' });
  });

  test('do not depend on each other: one that leaves takes nothing from the others', async () => {
    const { id, bytes } = await put(16 * CHUNK_SIZE);
    const store = fresh({});
    const leaving = store.pieces(id);
    const [, seen] = await Promise.all([leaving.next().then(() => leaving.return()), read(store, id)]);
    expect(seen.equals(bytes)).toBe(true);
  });

  test('each get their share of what is fetched ahead', async () => {
    const { id } = await put(40 * CHUNK_SIZE);
    const store = fresh({ memoryBytes: 0, aheadBytes: 8 * CHUNK_SIZE });
    const readers = Array.from({ length: 8 }, () => store.pieces(id));
    await Promise.all(readers.map((reader) => reader.next()));
    rig.queries.length = 0;
    for (const reader of readers) for (let piece = 0; piece < 8; piece += 1) await reader.next();
    for (const [from, to] of rig.queries.map(chunksOf)) expect(to - from).toBeLessThanOrEqual(1);
    await Promise.all(readers.map((reader) => reader.return()));
  });
});

test('a reader that finds the database away is told at once', async () => {
  const { id } = await put(24 * MIB);
  // Nothing listens on port 1.
  const away = openDatabase('postgres://nobody@127.0.0.1:1/nothing');
  const store = createServingBlobStore(away.pool, { patienceMs: 600_000 });
  await expect(read(store, id)).rejects.toMatchObject({ code: 'NOT_READY' });
  await away.close();
});
