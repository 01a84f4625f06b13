/** Blobs for those who may be slow, many, or in need of a small part: the api's side of the store. */
import { Readable } from 'node:stream';
import { LRUCache } from 'lru-cache';
import type { Pool } from 'pg';
import { rangeWithin, unknownBlob } from '../blob-range.js';
import { type BlobRow, findBlob } from '../blob-rows.js';
import type { ByteRange, ServingBlobStore } from '../blob-store.js';
import { withClient } from '../pool-client.js';
import { createPostgresBlobStore } from '../postgres-blob-store.js';
import { createChunkReader } from './chunk-reader.js';
import type { DiskCache } from './disk-cache.js';

export interface ServingOptions {
  /** Hot chunks that are kept in memory and shared between readers, in bytes; 0 for none. Default 32 MiB. */
  memoryBytes?: number;
  /** Chunks on disk, in front of the database. Default: none. */
  disk?: DiskCache | undefined;
  /** What all readers together may have fetched and not yet given out, in bytes. Default 16 MiB. */
  aheadBytes?: number;
  /** How long a reader that has begun waits for a database that is away, in milliseconds. Default 10,000. */
  patienceMs?: number;
  /** How long one query for a piece may take, in milliseconds. Default 30,000. */
  pieceTimeoutMs?: number;
}

/** What of a blob never changes, for so many blobs. */
const KNOWN_BLOBS = 10_000;
const DEFAULT_MEMORY_BYTES = 32 * 1024 * 1024;
const DEFAULT_AHEAD_BYTES = 16 * 1024 * 1024;

/**
 * The store in Postgres, read in pieces: no reader holds a connection while it waits for its client, whatever the number
 * of readers. Chunks come from memory, from the disk cache, or from the database, where readers that need the same one at
 * the same time share its query. Where nothing keeps them, a small range is a query of its own for just its bytes.
 */
export function createServingBlobStore(pool: Pool, options: ServingOptions = {}): ServingBlobStore {
  const store = createPostgresBlobStore(pool);
  const settings = {
    memoryBytes: options.memoryBytes ?? DEFAULT_MEMORY_BYTES,
    disk: options.disk,
    aheadBytes: options.aheadBytes ?? DEFAULT_AHEAD_BYTES,
    patienceMs: options.patienceMs ?? 10_000,
    pieceTimeoutMs: options.pieceTimeoutMs ?? 30_000,
  };
  const known = new LRUCache<string, BlobRow>({ max: KNOWN_BLOBS });
  const read = createChunkReader(pool, settings);

  async function blobOf(id: string): Promise<BlobRow> {
    const found =
      known.get(id) ?? (await withClient(pool, `while blob ${id} was looked up`, (client) => findBlob(client, id)));
    if (found === undefined) throw unknownBlob(id);
    known.set(id, found);
    return found;
  }

  async function* pieces(id: string, range?: ByteRange): AsyncGenerator<Buffer, void, undefined> {
    const blob = await blobOf(id);
    const within = rangeWithin(blob.size, range);
    if (within !== undefined) yield* read(blob, within);
  }

  return {
    ...store,
    async delete(id) {
      known.delete(id);
      return await store.delete(id);
    },
    pieces,
    open: (id, range) => Readable.from(copied(pieces(id, range)), { objectMode: false }),
  };
}

/** A stream keeps what it was given until it is read, which is longer than a piece holds. */
async function* copied(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of pieces) yield Buffer.from(piece);
}
