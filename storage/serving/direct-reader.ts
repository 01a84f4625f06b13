import type { Pool } from 'pg';
import type { BlobRow } from '../blob-rows.js';
import type { ByteRange } from '../blob-store.js';
import { createAheadShare } from './ahead-share.js';
import { whileAway } from './patience.js';
import { readPiece } from './read-piece.js';

export type RangeReader = (blob: BlobRow, range: ByteRange) => AsyncGenerator<Buffer, void, undefined>;

export interface ReaderSettings {
  aheadBytes: number;
  patienceMs: number;
  pieceTimeoutMs: number;
}

/** Reads each range by queries of its own, for just its bytes. */
export function createDirectReader(pool: Pool, settings: ReaderSettings): RangeReader {
  const { patienceMs, pieceTimeoutMs } = settings;
  const share = createAheadShare(settings.aheadBytes);
  return async function* read(blob, { start, end }) {
    const leave = share.enter();
    try {
      for (let at = start; at <= end; ) {
        const range = { start: at, end: pieceEnd(at, end, share.bytes(), blob.chunk_size) };
        const bytes = await whileAway(
          () => (at === start ? 0 : patienceMs),
          async () => {
            const got: Buffer[] = [];
            await readPiece(pool, blob, range, pieceTimeoutMs, (some) => got.push(some));
            return got;
          },
        );
        yield* bytes;
        at = range.end + 1;
      }
    } finally {
      leave();
    }
  };
}

/** The last byte of the next piece: at the end of a chunk where that is in reach, since Postgres reads whole ones faster. */
function pieceEnd(at: number, end: number, bytes: number, chunkSize: number): number {
  const furthest = at + bytes;
  const atChunkEnd = furthest - (furthest % chunkSize);
  return Math.min(end, (atChunkEnd > at ? atChunkEnd : furthest) - 1);
}
