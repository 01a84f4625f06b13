import type { CutTarget } from '../plan/clip-format.js';
import type { CutPlan, PlannedClip } from '../plan/cut-plan.js';
import type { EncodedPiece } from '../plan/plan-pieces.js';
import { crossfadeFilter, encodeFilter } from './encode-filter.js';

/** All that decides the bytes of an encoded piece, beside its sources and ffmpeg itself: what the run is given, no more. */
export interface EncodeRecipe extends Record<string, unknown> {
  filter: string;
  /** Output arguments, without the output. */
  output: string[];
  frames: number;
  /** The key frame of each source at which its decoder begins; left out where that is the first one. */
  decodeFrom?: number[];
}

/** Looks like its source to the eye; a clip is encoded once, so the size matters less. */
const QUALITY = ['-preset', 'medium', '-crf', '18'];
/** The encoder's decisions depend on the number of its threads: a fixed one makes equal bytes on every machine. */
const THREADS = ['-threads', '4'];
const KEY_FRAME_SECONDS = 2;

/**
 * How a piece of the plan is encoded. Its place among the others is no part of it, so that the result can be kept under the
 * hashes of its sources and this. Throws RangeError for a clip that is not to be encoded.
 */
export function pieceRecipe(plan: CutPlan, piece: EncodedPiece): EncodeRecipe {
  const { target } = plan;
  const filters = piece.sources.map((source) => encodeFilter(plan, clipOf(plan, source.clip), source));
  const [first = '', second] = filters;
  const filter = second === undefined ? first : crossfadeFilter(plan, piece, [first, second]);
  const decodeFrom = piece.sources.map((source) => source.decodeFrom);
  const perSecond = target.frameRate.num / target.frameRate.den;
  const gop = ['-g', String(Math.ceil(perSecond * KEY_FRAME_SECONDS)), '-flags:v', '+cgop+bitexact'];
  const map = second === undefined ? '0:V:0' : '[v]';
  const only = ['-map', map, '-an', '-sn', '-dn', '-map_metadata', '-1', '-map_chapters', '-1'];
  const encoder = ['-c:v', 'libx264', '-profile:v', target.profile.toLowerCase()];
  const container = ['-fflags', '+bitexact', '-video_track_timescale', String(target.timeBase.den), '-f', 'mp4'];
  return {
    filter,
    output: [...only, ...encoder, ...QUALITY, ...THREADS, ...gop, ...colourTags(target), ...container],
    frames: piece.frames,
    ...(decodeFrom.some((frame) => frame > 0) && { decodeFrom }),
  };
}

/** The clip of this number. Throws RangeError where the plan has none. */
export function clipOf({ clips }: CutPlan, number: number): PlannedClip {
  const clip = clips.find((one) => one.number === number);
  if (clip === undefined) throw new RangeError(`a clip of the plan was expected, got ${number}`);
  return clip;
}

function colourTags({ matrix }: CutTarget): string[] {
  if (matrix === 'unspecified') return [];
  const family = matrix === 'bt709' ? 'bt709' : 'smpte170m';
  return ['-colorspace', matrix, '-color_primaries', family, '-color_trc', family, '-color_range', 'tv'];
}
