import type { Pool } from 'pg';
import type { BlobRow } from '../blob-rows.js';
import type { ByteRange } from '../blob-store.js';
import { AheadBudget } from './ahead-budget.js';
import { whileAway } from './patience.js';
import { MAX_PIECE_BYTES, readPiece } from './read-piece.js';

export type RangeReader = (blob: BlobRow, range: ByteRange) => AsyncGenerator<Buffer, void, undefined>;

export interface ReaderSettings {
  aheadBytes: number;
  patienceMs: number;
  pieceTimeoutMs: number;
}

/** Reads each range by queries of its own, for just its bytes. */
export function createDirectReader(pool: Pool, settings: ReaderSettings): RangeReader {
  const { patienceMs, pieceTimeoutMs } = settings;
  const budget = new AheadBudget(settings.aheadBytes);
  return async function* read(blob, { start, end }) {
    for (let at = start; at <= end; ) {
      let free: (givenOut: number) => void = () => undefined;
      const fetchNext = async (): Promise<Buffer[]> => {
        free(MAX_PIECE_BYTES);
        const got: Buffer[] = [];
        const rangeOf = (): ByteRange => {
          const range = { start: at, end: pieceEnd(at, end, budget.grant(), blob.chunk_size) };
          free = budget.hold(range.end - range.start + 1);
          return range;
        };
        await readPiece(pool, blob, rangeOf, pieceTimeoutMs, (some) => got.push(some));
        return got;
      };
      const isFirst = at === start;
      try {
        const fetched = await whileAway(() => (isFirst ? 0 : patienceMs), fetchNext);
        for (let some = fetched.shift(); some !== undefined; some = fetched.shift()) {
          at += some.length;
          yield some;
          free(some.length);
        }
      } finally {
        free(MAX_PIECE_BYTES);
      }
    }
  };
}

/** The last byte of the next piece: at the end of a chunk where that is in reach, since Postgres reads whole ones faster. */
function pieceEnd(at: number, end: number, bytes: number, chunkSize: number): number {
  const furthest = at + bytes;
  const atChunkEnd = furthest - (furthest % chunkSize);
  return Math.min(end, (atChunkEnd > at ? atChunkEnd : furthest) - 1);
}
