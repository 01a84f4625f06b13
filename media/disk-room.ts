import { stat, statfs } from 'node:fs/promises';
import { ReelwrightError } from '../domain/errors.js';
import type { CutPlan } from './cut-plan.js';
import { piecesOf } from './plan-pieces.js';
import { DISK_RETRY_MS } from './tool-errors.js';

/** Left for others on the same file system, and for what an estimate is short of. */
const MARGIN_SHARE = 0.1;
const MARGIN_BYTES = 64 * 1024 * 1024;
/** What an encoded frame takes per pixel, as a rule: 50 Mbit/s for full HD at 24 frames a second. */
const ENCODED_BITS_PER_PIXEL = 1;
/** What only noise takes. */
const MOST_BITS_PER_PIXEL = 6;
const SOUND_BYTES_PER_SECOND = 192_000 / 8;
/** A sound that is not encoded yet: two channels of 32 bits, and another rate than planned. */
const RAW_SOUND_BYTES_PER_SECOND = 2 * 4 * 48_000;
/** The index and other boxes of a file. */
const CONTAINER_BYTES = 1024 * 1024;

/**
 * How many bytes a cut writes into its work folder at most at one time, beside its clips, which are there already: encoded
 * parts, the sound and the result, which is whole before they are gone. An estimate: what is encoded has the size that
 * it comes to have. `clipBytes` gives the size of a clip's file by its number.
 */
export function bytesNeeded(plan: CutPlan, clipBytes: (clipNumber: number) => number): number {
  const { width, height } = plan.target;
  const encodedFrame = (width * height * ENCODED_BITS_PER_PIXEL) / 8;
  const sizes = piecesOf(plan).map((piece) => {
    if (piece.action === 'encode') return { made: piece.frames * encodedFrame, shown: piece.frames * encodedFrame };
    const copied = clipBytes(piece.clip);
    const isClipItself = plan.clips.find(({ number }) => number === piece.clip)?.action === 'copy';
    return { made: isClipItself ? 0 : copied, shown: copied };
  });
  // Where music goes under the clips' sound: both, and the two together.
  const rawSounds = plan.music?.ducked === true ? 3 : 1;
  const sound = plan.durationSeconds * (SOUND_BYTES_PER_SECOND + rawSounds * RAW_SOUND_BYTES_PER_SECOND);
  return Math.ceil(
    sum(sizes.map(({ made, shown }) => made + shown)) +
      (plan.sound === undefined ? 0 : sound) +
      CONTAINER_BYTES * (sizes.length + 1),
  );
}

/** As `bytesNeeded`, for clips in these files. */
export async function bytesNeededFor(
  plan: CutPlan,
  inputs: readonly { number: number; path: string }[],
): Promise<number> {
  const sizes = new Map<number, number>();
  for (const { number, path } of inputs) sizes.set(number, (await stat(path)).size);
  return bytesNeeded(plan, (number) => sizes.get(number) ?? 0);
}

/** More than an encoded picture of so many frames can sensibly take: what goes beyond it runs wild. */
export function mostEncodedBytes({ width, height }: { width: number; height: number }, frames: number): number {
  return Math.ceil((width * height * MOST_BITS_PER_PIXEL * frames) / 8) + CONTAINER_BYTES;
}

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

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function inMegabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
