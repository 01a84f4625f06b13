import { framesOfEach, overlapOf, type Seam } from './plan-seams.js';

/** A part of the result's picture that is made in one go. The pieces of a plan follow each other without a gap. */
export type Piece = CopiedPiece | EncodedPiece;

/** Frames of a clip as they are. */
export interface CopiedPiece {
  action: 'copy';
  /** Its place in the result, in frames. */
  firstFrame: number;
  frames: number;
  /** The clip's number, and the first of its frames that is taken. */
  clip: number;
  fromFrame: number;
  /** The last key frame in it, as a frame of the result. */
  lastKeyFrame: number;
}

/** Frames of one clip, or the end of one and the beginning of the next, encoded to the target. */
export interface EncodedPiece {
  action: 'encode';
  firstFrame: number;
  frames: number;
  /** One, or two in playing order. */
  sources: PieceSource[];
  /** How many of the first one's last frames and of the second one's first frames are shown at once. */
  overlap: number;
}

/** Frames are counted in the clip, at the rate of the target. */
export interface PieceSource {
  clip: number;
  fromFrame: number;
  frames: number;
  /** The key frame at which its decoder begins. */
  decodeFrom: number;
  /** How many of its first frames come up from black, and how many of its last fade to black. */
  fadeIn: number;
  fadeOut: number;
}

/** A clip, as far as its pieces depend on it. */
export interface ClipToPiece {
  number: number;
  firstFrame: number;
  frames: number;
  /** What of it is copied; undefined where all of it is encoded. */
  copied: Span | undefined;
  keyFrames: readonly number[];
}

/** Frames of a clip: the first one, and the one behind the last. */
export interface Span {
  from: number;
  to: number;
}

/**
 * What of a clip can be copied between a seam that takes its first `head` frames and one that takes its last `tail`: from
 * the first key frame to the last one. Undefined for nothing.
 */
export function copyableSpan(
  { keyFrames, frames }: { keyFrames: readonly number[]; frames: number },
  head: number,
  tail: number,
): Span | undefined {
  const from = head === 0 ? 0 : keyFrames.find((frame) => frame >= head);
  const to = tail === 0 ? frames : keyFrames.findLast((frame) => frame <= frames - tail);
  return from !== undefined && to !== undefined && from < to ? { from, to } : undefined;
}

/** The pieces of clips with seams between all of them: `seams[0]` is behind `clips[0]`. */
export function planPieces(clips: readonly ClipToPiece[], seams: readonly Seam[]): Piece[] {
  const partsOf = (index: number): Parts | undefined => {
    const clip = clips[index];
    return clip && splitClip(clip, seams[index - 1], seams[index]);
  };
  return clips.flatMap(({ firstFrame, copied, keyFrames }, index): Piece[] => {
    const parts = partsOf(index);
    if (parts === undefined) return [];
    const { head, body, tail } = parts;
    const encoded = (source: PieceSource, next?: PieceSource): EncodedPiece => {
      const overlap = next === undefined ? 0 : overlapOf(seams[index]);
      const frames = source.frames + (next?.frames ?? 0) - overlap;
      const sources = next === undefined ? [source] : [source, next];
      return { action: 'encode', firstFrame: firstFrame + source.fromFrame, frames, sources, overlap };
    };
    const last = keyFrames.findLast((frame) => frame < body.fromFrame + body.frames) ?? 0;
    const { clip, fromFrame, frames } = body;
    const place = { firstFrame: firstFrame + fromFrame, frames, clip, fromFrame };
    const middle: Piece =
      copied === undefined ? encoded(body) : { action: 'copy', ...place, lastKeyFrame: firstFrame + last };
    const fades = (seam: Seam | undefined): boolean => seam?.kind === 'fade';
    return [
      ...(head !== undefined && fades(seams[index - 1]) ? [encoded(head)] : []),
      middle,
      ...(tail !== undefined ? [encoded(tail, fades(seams[index]) ? undefined : partsOf(index + 1)?.head)] : []),
    ];
  });
}

/** What stands before a clip's body, the body itself, and what stands behind it; undefined where nothing does. */
interface Parts {
  head: PieceSource | undefined;
  body: PieceSource;
  tail: PieceSource | undefined;
}

function splitClip(clip: ClipToPiece, before: Seam | undefined, after: Seam | undefined): Parts {
  const { number, frames, copied } = clip;
  const { from, to } = copied ?? { from: overlapOf(before), to: frames - overlapOf(after) };
  const [fadeIn, fadeOut] = [before, after].map((seam) => framesOfEach(seam) - overlapOf(seam)) as [number, number];
  const part = (fromFrame: number, toFrame: number, decodeFrom = 0): PieceSource => {
    const isFirst = fromFrame === 0;
    const isLast = toFrame === frames;
    const fades = { fadeIn: isFirst ? fadeIn : 0, fadeOut: isLast ? fadeOut : 0 };
    return { clip: number, fromFrame, frames: toFrame - fromFrame, decodeFrom, ...fades };
  };
  return {
    head: from > 0 ? part(0, from) : undefined,
    body: part(from, to),
    tail: to < frames ? part(to, frames, copied === undefined ? 0 : to) : undefined,
  };
}

/** The pieces of a plan; those of one without seams are its clips. */
export function piecesOf(plan: {
  clips: readonly { number: number; action: string; firstFrame: number; frames: number }[];
  pieces?: readonly Piece[] | undefined;
}): readonly Piece[] {
  return (
    plan.pieces ??
    plan.clips.map(({ number, action, firstFrame, frames }) =>
      action === 'encode'
        ? { action, firstFrame, frames, sources: [wholeClip(number, frames)], overlap: 0 }
        : { action: 'copy', firstFrame, frames, clip: number, fromFrame: 0, lastKeyFrame: firstFrame },
    )
  );
}

/** All frames of a clip, with nothing done at its ends. */
export function wholeClip(clip: number, frames: number): PieceSource {
  return { clip, fromFrame: 0, frames, decodeFrom: 0, fadeIn: 0, fadeOut: 0 };
}
