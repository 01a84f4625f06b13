import type { Pool } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { ReelwrightError } from '../../domain/errors.js';
import type { BlobRow } from '../blob-rows.js';
import type { ByteRange } from '../blob-store.js';
import { BytesDecoder } from '../copy-binary.js';
import { borrowClient, connectionError } from '../pool-client.js';
import { selectRange } from '../postgres-blob-reader.js';

/** The most that one query may fetch. */
export const MAX_PIECE_BYTES = 4 * 1024 * 1024;

/**
 * Reads a range of a blob, at most `MAX_PIECE_BYTES`, in one query, and hands its bytes on as they come. A connection is
 * held for no longer than Postgres takes to send them, since nobody is waited for. The range is asked for when there is a
 * connection, which may take a while where there are many readers. Throws NOT_READY when the connection
 * breaks, or the bytes are not there after `timeoutMs`; what was handed on by then is right.
 */
export async function readPiece(
  pool: Pool,
  blob: BlobRow,
  rangeOf: () => ByteRange,
  timeoutMs: number,
  onBytes: (bytes: Buffer) => void,
): Promise<void> {
  const { client, lost, giveBack, discard } = await borrowClient(pool);
  try {
    const range = rangeOf();
    const expected = range.end - range.start + 1;
    if (expected > MAX_PIECE_BYTES) throw new RangeError(`expected at most ${MAX_PIECE_BYTES} bytes, got ${expected}`);
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => {
        reject(
          new ReelwrightError('NOT_READY', `expected a piece of blob ${blob.id} within ${timeoutMs} ms, got none`),
        );
      }, timeoutMs);
      const decoder = new BytesDecoder();
      let got = 0;
      const copy = client.query(copyTo(selectRange(blob, range), { highWaterMark: MAX_PIECE_BYTES }));
      copy.on('close', () => clearTimeout(late));
      copy.on('error', reject);
      copy.on('data', (piece: Buffer) => {
        try {
          for (const bytes of decoder.push(piece)) {
            got += bytes.length;
            onBytes(bytes);
          }
        } catch (error) {
          reject(error);
        }
      });
      copy.on('end', () => {
        if (decoder.ended && got === expected) resolve();
        else reject(new Error(`expected ${expected} bytes of blob ${blob.id}, got ${got}`));
      });
    });
    giveBack();
  } catch (error) {
    discard();
    throw connectionError(error, lost, `while blob ${blob.id} was being read`) ?? error;
  }
}
