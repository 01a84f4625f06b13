import type { Rational } from '../ffmpeg/rational.js';

/** How one clip leads to the next. */
export type Transition = 'cut' | 'crossfade' | 'fade';

/** Where one clip leads to the next by more than a cut. Frames are those of the result. */
export interface Seam {
  /** Both clips at once, the one fading into the other; or the one to black and then the other from black. */
  kind: 'crossfade' | 'fade';
  /** The clips' numbers. */
  from: number;
  to: number;
  firstFrame: number;
  /** How long it is; 0 where a clip has no frame to spare, which makes it a cut. */
  frames: number;
  /** Why it is shorter than others, in words; empty where it is not. */
  reasons: string[];
}

/** How long a clip takes to come or to go. */
const SEAM_SECONDS = 0.5;

/**
 * Where the seams between clips lie that follow each other. A crossfade takes as many frames of the one clip as of the
 * other and shows them at once; a fade takes them one behind the other. A clip keeps at least one frame that belongs to no
 * seam: where it is too short for that, its seams share what it has.
 */
export function planSeams(
  clips: readonly { number: number; frames: number }[],
  kind: Seam['kind'],
  { num, den }: Rational,
): Seam[] {
  const usual = Math.max(1, Math.round((SEAM_SECONDS * num) / den));
  const seamsOf = (index: number): number => (index === 0 || index === clips.length - 1 ? 1 : 2);
  const roomOf = (index: number): number => Math.floor(((clips[index]?.frames ?? 0) - 1) / seamsOf(index));
  let begin = 0;
  return clips.slice(1).map((to, index): Seam => {
    const from = clips[index] ?? to;
    const rooms = [roomOf(index), roomOf(index + 1)];
    const each = Math.min(usual, ...rooms);
    const short = [from, to].filter((_, side) => (rooms[side] ?? 0) < usual);
    const end = begin + from.frames;
    begin = end - (kind === 'crossfade' ? each : 0);
    const frames = kind === 'fade' ? 2 * each : each;
    const shortened = `${each} instead of ${usual} frames of each clip`;
    const reasons = short.map(({ number, frames: all }) => `${shortened}: clip ${number} has only ${all}`);
    return { kind, from: from.number, to: to.number, firstFrame: end - each, frames, reasons };
  });
}

/** How many frames of either clip a seam takes; 0 of none. */
export function framesOfEach(seam: Seam | undefined): number {
  if (seam === undefined) return 0;
  return seam.kind === 'fade' ? seam.frames / 2 : seam.frames;
}

/** How many frames show both clips; 0 of no seam. */
export function overlapOf(seam: Seam | undefined): number {
  return seam?.kind === 'crossfade' ? seam.frames : 0;
}
