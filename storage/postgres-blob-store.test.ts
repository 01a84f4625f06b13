import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { getDefaultHighWaterMark, PassThrough, setDefaultHighWaterMark } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../test/support/postgres.js';
import type { BlobStore } from './blob-store.js';
import { describeBlobStore, inPieces } from './blob-store-contract.js';
import { type Database, openDatabase } from './database.js';
import { createPostgresBlobStore } from './postgres-blob-store.js';

const MP4 = { contentType: 'video/mp4' };
const MIB = 1024 * 1024;

let testDatabase: TestDatabase;
let database: Database;
let store: BlobStore;
/** A store whose second user at a time has to wait for the first one's connection. */
let narrow: { database: Database; store: BlobStore };
/** The tests break connections on purpose; what then fails is what they look at. */
const onConnectionError = (): void => undefined;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url, { onConnectionError });
  store = createPostgresBlobStore(database.pool);
  const one = openDatabase(testDatabase.url, { streamPoolMax: 1, onConnectionError });
  narrow = { database: one, store: createPostgresBlobStore(one.pool) };
});
afterAll(async () => {
  await narrow?.database.close();
  await database?.close();
  await testDatabase?.drop();
});

async function kept(): Promise<{ blobs: number; chunks: number }> {
  const { rows } = await database.pool.query<{ blobs: number; chunks: number }>(
    'SELECT (SELECT count(*) FROM blobs) AS blobs, (SELECT count(*) FROM blob_chunks) AS chunks',
  );
  return rows[0] ?? { blobs: Number.NaN, chunks: Number.NaN };
}

/** Waits until the number no longer changes, and gives it. */
async function settled(read: () => number): Promise<number> {
  for (let last = Number.NaN; ; ) {
    const now = read();
    if (now === last) return now;
    last = now;
    await sleep(100);
  }
}

/** Ends the backends of that name that are in a COPY, and says how many it found. */
async function terminateCopies(applicationName: string): Promise<number> {
  const ended = await database.knex.raw<{ rowCount: number }>(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = ? AND state = 'active' AND query LIKE 'COPY%'`,
    [applicationName],
  );
  return ended.rowCount;
}

describe('the blob store in Postgres', () => {
  describeBlobStore({ store: () => store, kept });
});

describe('a pool of one connection', () => {
  test('is usable after a reader that left early, at whatever moment', async () => {
    const bytes = randomBytes(5 * MIB);
    const { id } = await narrow.store.put(inPieces(bytes), MP4);
    for (let reader = 0; reader < 3; reader += 1) {
      for await (const _piece of narrow.store.open(id)) break;
      const opening = narrow.store.open(id);
      opening.read();
      opening.destroy();
      const looking = narrow.store.open(id);
      looking.read();
      await sleep(reader);
      looking.destroy();
    }
    expect((await buffer(narrow.store.open(id))).equals(bytes)).toBe(true);
  });

  test('is usable after reads and puts that failed', async () => {
    const { id } = await narrow.store.put(inPieces(randomBytes(10)), MP4);
    await expect(buffer(narrow.store.open(id, { start: 0, end: 10 }))).rejects.toThrow(RangeError);
    await expect(narrow.store.put(inPieces(randomBytes(10)), { ...MP4, maxBytes: 9 })).rejects.toThrow('at most 9');
    expect((await buffer(narrow.store.open(id))).length).toBe(10);
  });

  test('is usable after an aborted put', async () => {
    const abort = new AbortController();
    const source = new PassThrough();
    source.write(randomBytes(MIB));
    const putting = narrow.store.put(source, { ...MP4, signal: abort.signal });
    setImmediate(() => abort.abort());
    await expect(putting).rejects.toThrow('aborted');
    const bytes = randomBytes(10);
    const { id } = await narrow.store.put(inPieces(bytes), MP4);
    expect((await buffer(narrow.store.open(id))).equals(bytes)).toBe(true);
  });

  test('gives up waiting for a connection after the time limit, with NOT_READY', async () => {
    const impatient = openDatabase(testDatabase.url, { streamPoolMax: 1, connectionTimeoutMs: 500 });
    const waiting = createPostgresBlobStore(impatient.pool);
    const { id } = await waiting.put(inPieces(randomBytes(20 * MIB)), MP4);
    const reader = waiting.open(id);
    await reader.iterator({ destroyOnReturn: false }).next();
    await expect(waiting.stat(id)).rejects.toMatchObject({ code: 'NOT_READY' });
    await expect(buffer(waiting.open(id))).rejects.toMatchObject({ code: 'NOT_READY' });
    await expect(waiting.put(inPieces(randomBytes(5)), MP4)).rejects.toMatchObject({ code: 'NOT_READY' });
    reader.destroy();
    await impatient.close();
  });
});

describe('what is in the tables', () => {
  test('is one row per 256 KiB, stored outside the row and uncompressed', async () => {
    const before = await kept();
    const { id } = await store.put(inPieces(Buffer.alloc(MIB + 1, 'so compressible')), MP4);
    expect((await kept()).chunks - before.chunks).toBe(5);
    // The column size is that of the stored bytes; the last chunk's one byte stands in the row, with one of length.
    const { rows } = await database.pool.query<{ stored: number; compression: string | null }>(
      `SELECT sum(pg_column_size(data))::int AS stored, max(pg_column_compression(data)) AS compression
       FROM blob_chunks WHERE blob_id = $1`,
      [id],
    );
    expect(rows[0]).toEqual({ stored: MIB + 2, compression: null });
  });

  test('are no chunks of a put whose content was there already', async () => {
    const bytes = randomBytes(3 * MIB);
    await store.put(inPieces(bytes), MP4);
    const before = await kept();
    await Promise.all(Array.from({ length: 20 }, () => store.put(inPieces(bytes), MP4)));
    expect(await kept()).toEqual(before);
  });

  test('is the time of the last put, so that a clean-up can spare what was just put again', async () => {
    const bytes = randomBytes(10);
    const { id } = await store.put(inPieces(bytes), MP4);
    await database
      .knex('blobs')
      .where({ id })
      .update({ last_put_at: new Date(0), created_at: new Date(0) });
    await store.put(inPieces(bytes), MP4);
    const row = await database.knex('blobs').where({ id }).first('last_put_at', 'created_at');
    expect(row.created_at).toEqual(new Date(0));
    expect(row.last_put_at.getTime()).toBeGreaterThan(0);
  });

  test('is not deleted while a row refers to it', async () => {
    const bytes = randomBytes(MIB);
    const { id } = await store.put(inPieces(bytes), MP4);
    await database.knex.raw('CREATE TABLE referring (blob_id uuid REFERENCES blobs (id))');
    await database.knex('referring').insert({ blob_id: id });
    await expect(store.delete(id)).rejects.toMatchObject({
      code: 'WRONG_STATE',
      message: expect.stringContaining('referring'),
    });
    expect((await buffer(store.open(id))).equals(bytes)).toBe(true);
    await database.knex.raw('DROP TABLE referring');
  });

  test('is never given out short: a missing chunk fails the stream', async () => {
    const { id } = await store.put(inPieces(randomBytes(MIB)), MP4);
    await database.knex('blob_chunks').where({ blob_id: id, n: 3 }).delete();
    await expect(buffer(store.open(id))).rejects.toThrow(`expected ${MIB} bytes`);
    expect((await buffer(store.open(id, { start: 0, end: MIB / 2 }))).length).toBe(MIB / 2 + 1);
  });
});

describe('a connection that breaks', () => {
  let victim: { database: Database; store: BlobStore };
  beforeAll(() => {
    const opened = openDatabase(testDatabase.url, { applicationName: 'victim', onConnectionError });
    victim = { database: opened, store: createPostgresBlobStore(opened.pool) };
  });
  afterAll(() => victim.database.close());

  test('in the middle of a read fails the stream, when Postgres ends the backend', async () => {
    const { id } = await store.put(inPieces(randomBytes(40 * MIB)), MP4);
    let size = 0;
    const reading = (async () => {
      for await (const piece of victim.store.open(id)) {
        if (size === 0) expect(await terminateCopies('victim')).toBe(1);
        size += (piece as Buffer).length;
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'NOT_READY', message: expect.stringContaining(id) });
    expect(size).toBeLessThan(40 * MIB);
    expect((await buffer(victim.store.open(id))).length).toBe(40 * MIB);
  });

  test('in the middle of a read fails the stream, when the network cuts it', async () => {
    const { id } = await store.put(inPieces(randomBytes(40 * MIB)), MP4);
    const taken = new Promise<PoolClient>((resolve) => victim.database.pool.once('acquire', resolve));
    const iterator = victim.store.open(id).iterator();
    await iterator.next();
    socketOf(await taken).destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    const rest = (async () => {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) continue;
    })();
    await expect(rest).rejects.toMatchObject({ code: 'NOT_READY' });
  });

  test('in the middle of a put fails it, though the source is silent, and keeps nothing', async () => {
    const before = await kept();
    const source = new PassThrough();
    source.write(randomBytes(MIB));
    const { signal } = new AbortController();
    const outcome = expect(victim.store.put(source, { ...MP4, signal })).rejects.toMatchObject({ code: 'NOT_READY' });
    await expect.poll(() => terminateCopies('victim')).toBe(1);
    await outcome;
    expect(await kept()).toEqual(before);
    source.destroy();
  });
});

describe('back-pressure', () => {
  test('of a reader that stops reading reaches Postgres', async () => {
    const { id } = await store.put(inPieces(randomBytes(40 * MIB)), MP4);
    const taken = new Promise<PoolClient>((resolve) => database.pool.once('acquire', resolve));
    const stream = store.open(id);
    const iterator = stream.iterator();
    await iterator.next();
    const socket = socketOf(await taken);
    const start = socket.bytesRead;
    expect((await settled(() => socket.bytesRead)) - start).toBeLessThan(2 * MIB);
    await iterator.return?.();
  });

  test('of a Postgres that does not take the rows reaches the source, and no byte on its way is overwritten', async () => {
    const bytes = randomBytes(64 * MIB);
    let pulled = 0;
    const source = (async function* counted() {
      for await (const piece of inPieces(bytes)) {
        pulled += piece.length;
        yield piece;
      }
    })();
    const unblock = await blockChunkTable();
    const putting = store.put(source, MP4);
    // Beyond our own two rows the kernel's socket buffers take some megabytes.
    expect(await settled(() => pulled)).toBeLessThan(24 * MIB);
    await unblock();
    expect((await buffer(store.open((await putting).id))).equals(bytes)).toBe(true);
  });

  test('keeps the bytes right also where a socket takes more than a row before it asks to wait', async () => {
    const before = getDefaultHighWaterMark(false);
    setDefaultHighWaterMark(false, 16 * MIB);
    const wide = openDatabase(testDatabase.url);
    try {
      const bytes = randomBytes(32 * MIB);
      const unblock = await blockChunkTable();
      const putting = createPostgresBlobStore(wide.pool).put(inPieces(bytes), MP4);
      await sleep(300);
      await unblock();
      expect((await buffer(store.open((await putting).id))).equals(bytes)).toBe(true);
    } finally {
      setDefaultHighWaterMark(false, before);
      await wide.close();
    }
  });
});

describe('memory', () => {
  test.each(['put', 'read'])('stays flat when 300 MB are %s', async (direction) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'test/support/blob-memory-probe.ts', direction, String(300 * MIB)],
      { env: { ...process.env, DATABASE_URL: testDatabase.url } },
    );
    const { bytes, growth } = JSON.parse(stdout) as { bytes: number; growth: number };
    expect(bytes).toBe(300 * MIB);
    // Socket buffers and what the garbage collector has not yet freed; a store that collects would grow by 300 MB.
    expect(growth).toBeLessThan(96 * MIB);
  });
});

/** Lets no row into the chunk table until the returned function is called. */
async function blockChunkTable(): Promise<() => Promise<void>> {
  const blocker = await database.pool.connect();
  await blocker.query('BEGIN; LOCK TABLE blob_chunks IN ACCESS EXCLUSIVE MODE');
  return async () => {
    await blocker.query('COMMIT');
    blocker.release();
  };
}

function socketOf(client: PoolClient): Socket {
  return client.connection.stream as Socket;
}
