import type { Pool } from 'pg';
import type { BlobRow } from '../blob-rows.js';
import { whileAway } from './patience.js';
import { readPiece } from './read-piece.js';

/** Which bytes of its blob the chunk has. */
export function chunkRange({ size, chunk_size: chunkSize }: BlobRow, n: number): { start: number; end: number } {
  return { start: n * chunkSize, end: Math.min(size, (n + 1) * chunkSize) - 1 };
}

/** In bytes; the last chunk of a blob is shorter than the others. */
export function chunkLength(blob: BlobRow, n: number): number {
  const { start, end } = chunkRange(blob, n);
  return end - start + 1;
}

export interface ChunkRunLimits {
  /** How long a database that is away is waited for once a chunk is there, in milliseconds. */
  patienceMs: number;
  /** The same until then. */
  firstPatienceMs: number;
  pieceTimeoutMs: number;
}

/**
 * Fetches `count` chunks from the `first` on by one query, and gives a promise of each, which is kept as soon as its chunk
 * is there. When the connection breaks, the next query goes on where it did; what fails in the end fails for all that are
 * still to come. `onChunk` is told of each.
 */
export function startChunkRun(
  pool: Pool,
  blob: BlobRow,
  { first, count }: { first: number; count: number },
  { patienceMs, firstPatienceMs, pieceTimeoutMs }: ChunkRunLimits,
  onChunk: (n: number, chunk: Buffer) => void,
): Promise<Buffer>[] {
  const ends: { give: (chunk: Buffer) => void; fail: (error: unknown) => void }[] = [];
  const promises = Array.from(
    { length: count },
    () => new Promise<Buffer>((give, fail) => void ends.push({ give, fail })),
  );
  let done = 0;
  const fetchRest = async (): Promise<void> => {
    const assembler = createAssembler(blob, first + done, (chunk) => {
      onChunk(first + done, chunk);
      ends[done]?.give(chunk);
      done += 1;
    });
    const range = { start: chunkRange(blob, first + done).start, end: chunkRange(blob, first + count - 1).end };
    await readPiece(pool, blob, () => range, pieceTimeoutMs, assembler);
  };
  const fetchAll = async (): Promise<void> => {
    try {
      // A pool that was closed will not come back.
      await whileAway(() => (pool.ending ? 0 : done === 0 ? firstPatienceMs : patienceMs), fetchRest);
    } catch (error) {
      for (const { fail } of ends.slice(done)) fail(error);
    }
  };
  void fetchAll();
  // Whoever wanted a chunk may have left before it failed.
  for (const promise of promises) promise.catch(() => undefined);
  return promises;
}

/** Puts bytes together to chunks of their own memory, the `first` one first. */
function createAssembler(blob: BlobRow, first: number, onChunk: (chunk: Buffer) => void): (bytes: Buffer) => void {
  let n = first;
  let chunk: Buffer | undefined;
  let filled = 0;
  return (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      chunk ??= Buffer.allocUnsafeSlow(chunkLength(blob, n));
      const taken = bytes.copy(chunk, filled, at);
      at += taken;
      filled += taken;
      if (filled < chunk.length) continue;
      onChunk(chunk);
      n += 1;
      chunk = undefined;
      filled = 0;
    }
  };
}
