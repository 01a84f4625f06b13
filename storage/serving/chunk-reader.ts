import { LRUCache } from 'lru-cache';
import type { Pool } from 'pg';
import { blobChunksRead } from '../../telemetry/metrics.js';
import type { BlobRow } from '../blob-rows.js';
import { AheadBudget } from './ahead-budget.js';
import { chunkRange, startChunkRun } from './chunk-run.js';
import type { RangeReader, ReaderSettings } from './direct-reader.js';
import type { DiskCache } from './disk-cache.js';

export interface ChunkSettings extends ReaderSettings {
  /** Of hot chunks in memory; 0 for none. */
  memoryBytes: number;
  disk: DiskCache | undefined;
}

/** Part of a chunk: from its byte `from` to the one before `to`. */
interface Part {
  n: number;
  from: number;
  to: number;
}

/** Reads by whole chunks: hot ones from memory, others from disk, the rest from the database, each for all who want it. */
export function createChunkReader(pool: Pool, settings: ChunkSettings): RangeReader {
  const { disk, memoryBytes, patienceMs, pieceTimeoutMs } = settings;
  const budget = new AheadBudget(settings.aheadBytes);
  const memory = new LRUCache<string, Buffer>({ maxSize: Math.max(1, memoryBytes), sizeCalculation: bytesOf });
  /** On their way from disk or database, for whoever wants them meanwhile. */
  const coming = new Map<string, Promise<Buffer | undefined>>();

  /** One that is read from end to end would push everything else out of the memory, and itself as well. */
  const isLarge = (blob: BlobRow): boolean => blob.size > memoryBytes / 2;

  const keep = (blob: BlobRow, n: number, chunk: Buffer): void => {
    if (!isLarge(blob)) memory.set(keyOf(blob, n), chunk);
  };

  /** Gives the chunk to all who ask for it until it is there. */
  function shared(key: string, chunk: Promise<Buffer | undefined>): Promise<Buffer | undefined> {
    coming.set(key, chunk);
    const forget = (): void => void coming.delete(key);
    chunk.then(forget, forget);
    return chunk;
  }

  /** A part alone is read as such, and so is a chunk of a large blob; any other is read for everybody and becomes a hot one. */
  async function fromDisk(blob: BlobRow, { n, from, to }: Part, scratch: () => Buffer): Promise<Buffer | undefined> {
    if (disk?.has(blob, n) !== true) return undefined;
    const { start, end } = chunkRange(blob, n);
    const length = end - start + 1;
    if (to - from < length) return await disk.read(blob, n, from, to - from);
    if (isLarge(blob)) return await disk.read(blob, n, 0, length, scratch());
    const key = keyOf(blob, n);
    const chunk = await (coming.get(key) ?? shared(key, disk.read(blob, n, 0, length)));
    if (chunk !== undefined) keep(blob, n, chunk);
    return chunk;
  }

  const isNowhere = (blob: BlobRow, n: number): boolean =>
    !memory.has(keyOf(blob, n)) && !coming.has(keyOf(blob, n)) && disk?.has(blob, n) !== true;

  /** One query for chunk `n` and those after it, up to the `last`, that are nowhere yet. */
  function fromDatabase(blob: BlobRow, n: number, last: number, firstPatienceMs: number): Promise<Buffer>[] {
    const most = Math.max(1, Math.floor(budget.grant() / blob.chunk_size));
    let count = 1;
    while (count < most && n + count <= last && isNowhere(blob, n + count)) count += 1;
    const limits = { patienceMs, firstPatienceMs, pieceTimeoutMs };
    const run = startChunkRun(pool, blob, { first: n, count }, limits, (fetched, chunk) => {
      keep(blob, fetched, chunk);
      disk?.keep(blob, fetched, chunk);
    });
    for (const [index, chunk] of run.entries()) shared(keyOf(blob, n + index), chunk).catch(() => undefined);
    return run;
  }

  return async function* read(blob, { start, end }) {
    let free: (givenOut: number) => void = () => undefined;
    /** This reader's own: what it yields holds until the next piece is asked for. */
    let buffer: Buffer | undefined;
    const scratch = (): Buffer => (buffer ??= Buffer.allocUnsafeSlow(blob.chunk_size));
    /** Fetched by this reader's own queries: it must not depend on what others push out of the memory. */
    const ahead = new Map<number, Promise<Buffer>>();
    const first = Math.floor(start / blob.chunk_size);
    const last = Math.floor(end / blob.chunk_size);
    try {
      for (let n = first; n <= last; n += 1) {
        const from = n === first ? start - n * blob.chunk_size : 0;
        const to = n === last ? end - n * blob.chunk_size + 1 : chunkRange(blob, n).end - n * blob.chunk_size + 1;
        const own = ahead.get(n);
        ahead.delete(n);
        const hot = memory.get(keyOf(blob, n));
        const chunk = hot ?? (await (own ?? coming.get(keyOf(blob, n))));
        const part = chunk?.subarray(from, to) ?? (await fromDisk(blob, { n, from, to }, scratch));
        const memoryOrShared = hot !== undefined ? 'memory' : own === undefined ? 'shared' : 'database';
        const found = chunk !== undefined ? memoryOrShared : part !== undefined ? 'disk' : 'database';
        blobChunksRead.inc({ found_in: found });
        if (part !== undefined) {
          yield part;
          if (own !== undefined) free(blob.chunk_size);
          continue;
        }
        const run = fromDatabase(blob, n, last, n === first ? 0 : patienceMs);
        for (const [index, one] of run.entries()) if (index > 0) ahead.set(n + index, one);
        free(blob.size);
        free = budget.hold(run.length * blob.chunk_size);
        yield (await (run[0] as Promise<Buffer>)).subarray(from, to);
        free(blob.chunk_size);
      }
    } finally {
      free(blob.size);
    }
  };
}

const keyOf = (blob: BlobRow, n: number): string => `${blob.id}:${n}`;
const bytesOf = (chunk: Buffer): number => chunk.length;
