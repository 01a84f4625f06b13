import type { Pool } from 'pg';
import type { BlobRow } from '../blob-rows.js';
import type { ByteRange } from '../blob-store.js';
import { chunkRange } from './chunk-run.js';
import { readPiece } from './read-piece.js';

/** True where no chunk of the blob is whole within the range: at most parts of two. */
export function hasNoWholeChunk(blob: BlobRow, { start, end }: ByteRange): boolean {
  const firstWhole = Math.ceil(start / blob.chunk_size);
  return chunkRange(blob, firstWhole).end > end || firstWhole * blob.chunk_size >= blob.size;
}

/** Reads a range of less than two chunks by one query for just its bytes, which nobody else is given. */
export async function readPart(pool: Pool, blob: BlobRow, range: ByteRange, pieceTimeoutMs: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(range.end - range.start + 1);
  let filled = 0;
  const take = (some: Buffer): void => void (filled += some.copy(bytes, filled));
  await readPiece(pool, blob, () => range, pieceTimeoutMs, take);
  return bytes;
}
