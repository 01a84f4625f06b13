import { stat } from 'node:fs/promises';
import type { CutPlan } from './cut-plan.js';
import { piecesOf } from './plan-pieces.js';

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

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
