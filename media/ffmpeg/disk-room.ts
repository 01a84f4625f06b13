import { statfs } from 'node:fs/promises';
import { ReelwrightError } from '../../domain/errors.js';
import { DISK_RETRY_MS } from './tool-errors.js';

/** Left for others on the same file system, and for what an estimate is short of. */
const MARGIN_SHARE = 0.1;
const MARGIN_BYTES = 64 * 1024 * 1024;

/**
 * Throws NO_DISK_SPACE, with `neededBytes` and `freeBytes`, where the file system of `dir` has not that much room and some
 * to spare. What others write afterwards is not foreseen.
 */
export async function requireDiskRoom(dir: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  const freeBytes = bavail * bsize;
  const wanted = Math.ceil(neededBytes * (1 + MARGIN_SHARE)) + MARGIN_BYTES;
  if (freeBytes >= wanted) return;
  throw new ReelwrightError(
    'NO_DISK_SPACE',
    `room for ${inMegabytes(wanted)} of temporary files was expected, and ${inMegabytes(freeBytes)} are free`,
    { details: { neededBytes: wanted, freeBytes }, retryAfterMs: DISK_RETRY_MS },
  );
}

/** The failure as NO_DISK_SPACE where the file system was full or the user's share of it was; else as it is. */
export function classifyDiskError(error: unknown): unknown {
  const { code } = error as { code?: unknown };
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new ReelwrightError('NO_DISK_SPACE', 'room for temporary files was expected, and there is none left', {
    cause: error,
    retryAfterMs: DISK_RETRY_MS,
  });
}

function inMegabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
