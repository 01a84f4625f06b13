import { LRUCache } from 'lru-cache';
import type { Pool } from 'pg';
import { blobChunksRead } from '../../telemetry/metrics.js';
import type { BlobRow } from '../blob-rows.js';
import type { ByteRange } from '../blob-store.js';
import { CHUNK_SIZE } from '../postgres-blob-writer.js';
import { AheadBudget } from './ahead-budget.js';
import { BufferPool } from './buffer-pool.js';
import { chunkLength, startChunkRun } from './chunk-run.js';
import type { DiskCache } from './disk-cache.js';
import { hasNoWholeChunk, readPart } from './part-reader.js';

export type RangeReader = (blob: BlobRow, range: ByteRange) => AsyncGenerator<Buffer, void, undefined>;

export interface ChunkSettings {
  /** Of hot chunks in memory; 0 for none. */
  memoryBytes: number;
  disk: DiskCache | undefined;
  /** What all readers together may have fetched and not yet given out. */
  aheadBytes: number;
  patienceMs: number;
  pieceTimeoutMs: number;
}

/** Part of a chunk: from its byte `from` to the one before `to`. */
interface Part {
  n: number;
  from: number;
  to: number;
}

/** A chunk that a reader has asked the database for. */
interface Fetched {
  chunk: Promise<Buffer>;
  /** The reader has given it out, or does not want it any more. */
  release: () => void;
}

/** Reads by whole chunks: hot ones from memory, others from disk, the rest from the database, each for all who want it. */
export function createChunkReader(pool: Pool, settings: ChunkSettings): RangeReader {
  const { disk, memoryBytes, patienceMs, pieceTimeoutMs } = settings;
  const budget = new AheadBudget(settings.aheadBytes);
  const buffers = new BufferPool(CHUNK_SIZE);
  const memory = new LRUCache<string, Buffer>({ maxSize: Math.max(1, memoryBytes), sizeCalculation: bytesOf });
  /** On their way from disk or database, or fetched by a reader that has not yet given them out. */
  const shared = new Map<string, Promise<Buffer | undefined>>();

  /** For a chunk. Blobs of another chunk size are of a former release, or of a later one. */
  const takeBuffer = ({ chunk_size: chunkSize }: BlobRow): Buffer =>
    chunkSize === CHUNK_SIZE ? buffers.take() : Buffer.allocUnsafeSlow(chunkSize);

  /** One that is read from end to end would push everything else out of the memory, and itself as well. */
  const isLarge = (blob: BlobRow): boolean => blob.size > memoryBytes / 2;
  const isKept = (blob: BlobRow): boolean => disk !== undefined || !isLarge(blob);

  const keep = (blob: BlobRow, n: number, chunk: Buffer): void => {
    if (!isLarge(blob)) memory.set(keyOf(blob, n), chunk);
  };

  /** Gives the chunk to all who ask for it, until it is released or fails. */
  function share(key: string, chunk: Promise<Buffer | undefined>): () => void {
    shared.set(key, chunk);
    const forget = (): void => {
      if (shared.get(key) === chunk) shared.delete(key);
    };
    chunk.catch(forget);
    return () => void chunk.then(forget, forget);
  }

  /** A part alone is read as such, and so is a chunk of a large blob; any other is read for everybody and becomes a hot one. */
  async function fromDisk(blob: BlobRow, { n, from, to }: Part, scratch: () => Buffer): Promise<Buffer | undefined> {
    if (disk?.has(blob, n) !== true) return undefined;
    const length = chunkLength(blob, n);
    if (to - from < length) return await disk.read(blob, n, from, to - from, scratch());
    if (isLarge(blob)) return await disk.read(blob, n, 0, length, scratch());
    const reading = disk.read(blob, n, 0, length);
    share(keyOf(blob, n), reading)();
    const chunk = await reading;
    if (chunk !== undefined) keep(blob, n, chunk);
    return chunk;
  }

  const isNowhere = (blob: BlobRow, n: number): boolean =>
    !memory.has(keyOf(blob, n)) && !shared.has(keyOf(blob, n)) && disk?.has(blob, n) !== true;

  /** One query for chunk `n` and those after it, up to the `last`, that are nowhere yet. */
  function fromDatabase(blob: BlobRow, n: number, last: number, firstPatienceMs: number): Fetched[] {
    const most = Math.max(1, Math.floor(budget.grant() / blob.chunk_size));
    let count = 1;
    while (count < most && n + count <= last && isNowhere(blob, n + count)) count += 1;
    const limits = { patienceMs, firstPatienceMs, pieceTimeoutMs };
    const run = startChunkRun(pool, blob, { first: n, count }, limits, (fetched, chunk) => {
      keep(blob, fetched, chunk);
      disk?.keep(blob, fetched, chunk);
    });
    return run.map((chunk, index) => ({ chunk, release: share(keyOf(blob, n + index), chunk) }));
  }

  /** What is in memory, on its way for others, or on disk. */
  async function alreadyThere(blob: BlobRow, part: Part, scratch: () => Buffer): Promise<Buffer | undefined> {
    const key = keyOf(blob, part.n);
    const hot = memory.get(key);
    const coming = shared.get(key);
    // What failed for another reader may come right for this one, which may be more patient.
    const chunk = hot ?? (coming === undefined ? undefined : await coming.catch(() => undefined));
    const bytes = chunk?.subarray(part.from, part.to) ?? (await fromDisk(blob, part, scratch));
    if (bytes !== undefined) {
      blobChunksRead.inc({ found_in: hot !== undefined ? 'memory' : chunk !== undefined ? 'shared' : 'disk' });
    }
    return bytes;
  }

  return async function* read(blob, { start, end }) {
    if (!isKept(blob) && hasNoWholeChunk(blob, { start, end })) {
      blobChunksRead.inc({ found_in: 'database' });
      yield await readPart(pool, blob, { start, end }, pieceTimeoutMs);
      return;
    }
    let free: (givenOut: number) => void = () => undefined;
    /** This reader's own until it ends: what it yields holds until the next piece is asked for. */
    let buffer: Buffer | undefined;
    const scratch = (): Buffer => (buffer ??= takeBuffer(blob));
    /** Fetched by this reader's own queries: it must not depend on what others push out of the memory. */
    const ahead = new Map<number, Fetched>();
    const first = Math.floor(start / blob.chunk_size);
    const last = Math.floor(end / blob.chunk_size);
    /** Of the piece that is wanted: waiting for what another reader fetches uses up one's own patience. */
    let askedAt = performance.now();
    const patienceLeft = (n: number): number => (n === first ? 0 : patienceMs - (performance.now() - askedAt));
    try {
      for (let n = first; n <= last; n += 1) {
        const from = n === first ? start - n * blob.chunk_size : 0;
        const to = n === last ? end - n * blob.chunk_size + 1 : chunkLength(blob, n);
        if (!ahead.has(n)) {
          const bytes = await alreadyThere(blob, { n, from, to }, scratch);
          if (bytes !== undefined) {
            yield bytes;
            askedAt = performance.now();
            continue;
          }
          if (shared.has(keyOf(blob, n))) {
            // Meanwhile somebody else has asked for it.
            n -= 1;
            continue;
          }
          const run = fromDatabase(blob, n, last, patienceLeft(n));
          for (const [index, one] of run.entries()) ahead.set(n + index, one);
          free(blob.size);
          free = budget.hold(run.length * blob.chunk_size);
        }
        const own = ahead.get(n);
        if (own === undefined) throw new Error(`expected chunk ${n} of blob ${blob.id} to be fetched`);
        blobChunksRead.inc({ found_in: 'database' });
        yield (await own.chunk).subarray(from, to);
        askedAt = performance.now();
        ahead.delete(n);
        own.release();
        free(blob.chunk_size);
      }
    } finally {
      for (const { release } of ahead.values()) release();
      free(blob.size);
      if (buffer !== undefined) buffers.giveBack(buffer);
    }
  };
}

const keyOf = (blob: BlobRow, n: number): string => `${blob.id}:${n}`;
const bytesOf = (chunk: Buffer): number => chunk.length;
