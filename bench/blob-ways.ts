import { pipeline } from 'node:stream/promises';
import type { Pool } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { v7 as uuidv7 } from 'uuid';
import type { BlobStore } from '../storage/blob-store.js';
import { COPY_HEADER, COPY_TRAILER } from '../storage/copy-binary.js';
import { borrowClient, withClient } from '../storage/pool-client.js';
import { CHUNK_SIZE } from '../storage/postgres-blob-writer.js';

export interface Setting {
  pool: Pool;
  store: BlobStore;
  /** Filled for every way alike, so that making it costs none of them anything. */
  chunk: Buffer;
  /** A whole number of chunks. */
  bytes: number;
  /** The blob that the reading ways read. */
  blobId: string;
}

/** Moves `setting.bytes` in or out of Postgres and gives the number of bytes that were moved. */
export type Way = (setting: Setting) => Promise<number>;

/** The table of the bare ways: the same columns, index and storage as the blob store's, without its reference. */
export const BENCH_TABLE = 'CREATE TABLE bench_chunks (LIKE blob_chunks INCLUDING INDEXES INCLUDING STORAGE)';

const SOCKET_PIECE = 64 * 1024;
const ROWS_PER_SELECT = 16;

export const WAYS = {
  'put: blob store': async ({ store, chunk, bytes }) => {
    const { size } = await store.put(pieces(chunk, bytes), { contentType: 'video/mp4' });
    return size;
  },

  'put: bare COPY': async ({ pool, chunk, bytes }) => {
    const { client, giveBack } = await borrowClient(pool);
    const copy = client.query(copyFrom('COPY bench_chunks (blob_id, n, data) FROM STDIN (FORMAT binary)'));
    await pipeline(binaryRows(chunk, bytes), copy);
    giveBack();
    return copy.rowCount * CHUNK_SIZE;
  },

  'put: INSERT': ({ pool, chunk, bytes }) =>
    withClient(pool, 'in the bench', async (client) => {
      const id = uuidv7();
      await client.query('BEGIN');
      for (let n = 0; n < bytes / CHUNK_SIZE; n += 1) {
        await client.query({
          name: 'insert-chunk',
          text: 'INSERT INTO bench_chunks (blob_id, n, data) VALUES ($1, $2, $3)',
          values: [id, n, chunk],
        });
      }
      await client.query('COMMIT');
      return bytes;
    }),

  'read: blob store': async ({ store, blobId }) => {
    let size = 0;
    for await (const piece of store.open(blobId)) size += (piece as Buffer).length;
    return size;
  },

  'read: bare COPY': async ({ pool, blobId, bytes }) => {
    const { client, giveBack } = await borrowClient(pool);
    const text = `COPY (SELECT data FROM blob_chunks WHERE blob_id = '${blobId}' ORDER BY n) TO STDOUT (FORMAT binary)`;
    let size = 0;
    for await (const piece of client.query(copyTo(text))) size += (piece as Buffer).length;
    giveBack();
    return size < bytes ? size : bytes;
  },

  'read: SELECT': ({ pool, blobId, bytes }) =>
    withClient(pool, 'in the bench', async (client) => {
      let size = 0;
      for (let n = 0; n < bytes / CHUNK_SIZE; n += ROWS_PER_SELECT) {
        const { rows } = await client.query<{ data: Buffer }>({
          name: 'select-chunks',
          text: 'SELECT data FROM blob_chunks WHERE blob_id = $1 AND n >= $2 ORDER BY n LIMIT $3',
          values: [blobId, n, ROWS_PER_SELECT],
        });
        for (const { data } of rows) size += data.length;
      }
      return size;
    }),
} satisfies Record<string, Way>;

export type WayName = keyof typeof WAYS;

/** What an HTTP body looks like. The first piece is new each time, so that the content is stored and not just found. */
export async function* pieces(chunk: Buffer, bytes: number): AsyncGenerator<Uint8Array> {
  const stamp = Buffer.from(chunk.subarray(0, SOCKET_PIECE));
  stamp.write(uuidv7());
  yield stamp;
  for (let start = SOCKET_PIECE; start < bytes; start += SOCKET_PIECE) {
    const from = start % CHUNK_SIZE;
    yield chunk.subarray(from, from + SOCKET_PIECE);
  }
}

function* binaryRows(chunk: Buffer, bytes: number): Generator<Buffer> {
  const id = Buffer.from(uuidv7().replaceAll('-', ''), 'hex');
  yield COPY_HEADER;
  for (let n = 0; n < bytes / CHUNK_SIZE; n += 1) {
    const prefix = Buffer.from([0, 3, 0, 0, 0, 16, ...id, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
    prefix.writeInt32BE(n, 26);
    prefix.writeInt32BE(chunk.length, 30);
    yield prefix;
    yield chunk;
  }
  yield COPY_TRAILER;
}
