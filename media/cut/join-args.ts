import { concatInputArgs, fileUrl, inputArgs } from '../ffmpeg/input-args.js';
import type { Rational } from '../ffmpeg/rational.js';
import type { CutSound } from '../plan/cut-plan.js';
import { clipsSound, type JoinPart } from './clips-sound.js';
import { type Levelling, levelFilter } from './loudness.js';

/** One part of a join's picture. */
export interface JoinPicture {
  /** Taken as it is. */
  path: string;
  /** Its place in the result, in frames. */
  firstFrame: number;
  frames: number;
}

export interface Join {
  /** In playing order, one behind the other. */
  pictures: readonly JoinPicture[];
  /** The clips' sounds, in playing order. */
  parts: readonly JoinPart[];
  frameRate: Rational;
  /** Left out where the result has none. */
  sound?: CutSound | undefined;
  /** All of the result's sound as one file of that format, which takes the place of the parts' own. */
  mixed?: MixedSound | undefined;
}

export interface MixedSound {
  path: string;
  levelling: Levelling;
}

/** ffmpeg's documentation calls this coder better at high rates, and it takes half the time of the usual one. */
const SOUND_ENCODER = ['-c:a', 'aac', '-aac_coder', 'fast', '-b:a', '192k'];

/**
 * Keeps ffmpeg from decoding a frame of each picture before it takes the sound beside it (11 ms for each clip in full
 * HD). What it has to know of the sound stands in the header of every container that a clip may have.
 */
const KNOWN_STREAMS = ['-nofind_stream_info'];

/**
 * The ffconcat script for the pictures. Each states the length of its picture, without which a sound that is longer than
 * its picture would push all later clips back. Lengths are counted from the beginning of the join, so that rounding to
 * microseconds never adds up. Throws RangeError for a path with a line break, which the script's line-based format cannot
 * carry.
 */
export function concatScript({ pictures, frameRate }: Pick<Join, 'pictures' | 'frameRate'>): string {
  const at = (frame: number): number => Math.round((frame * frameRate.den * 1e6) / frameRate.num);
  const entries = pictures.map(({ path, firstFrame, frames }) => {
    const microseconds = at(firstFrame + frames) - at(firstFrame);
    return `file ${quote(fileUrl(path))}\nduration ${(microseconds / 1e6).toFixed(6)}\n`;
  });
  return `ffconcat version 1.0\n${entries.join('')}`;
}

/** Quotes a name for an ffconcat script: all is literal within single quotes, a quote itself is escaped outside them. */
function quote(name: string): string {
  if (/[\r\n]/.test(name))
    throw new RangeError(`a path without a line break was expected, got ${JSON.stringify(name)}`);
  return `'${name.replaceAll("'", "'\\''")}'`;
}

/**
 * The arguments of a join: pictures copied by way of the script, sounds cut or filled to their pictures, put one after
 * the other and encoded once. Nothing of the clips' metadata goes along, and equal input gives equal bytes. The index stands
 * in front: in `indexBytes` of room that is kept for it, or, where that is left out, by writing the media twice.
 */
export function joinArgs(join: Join, script: string, output: string, indexBytes?: number): string[] {
  const heard = join.sound && joinedSound(join, join.sound, 1);
  const sounds = heard ? [...heard.inputs, '-filter_complex', heard.filter] : ['-an'];
  const picture = ['-map', '0:v:0', '-c:v', 'copy'];
  const sound = join.sound ? ['-map', '[sound]', ...SOUND_ENCODER] : [];
  const bare = ['-map_metadata', '-1', '-map_chapters', '-1', '-fflags', '+bitexact', '-flags:a', '+bitexact'];
  const inFront = indexBytes === undefined ? ['-movflags', '+faststart'] : ['-moov_size', String(indexBytes)];
  const target = [...inFront, '-f', 'mp4', fileUrl(output)];
  // ffmpeg moves each input to zero by its earliest packet, which for AAC lies before zero: the joined picture alone
  // would be moved late against the sound. Clocks are left as they are, and the sound filter does its own moving.
  return ['-copyts', ...concatInputArgs(script), ...sounds, ...picture, ...sound, ...bare, ...target];
}

/**
 * The arguments that open the sounds, and the filter that makes `[sound]` of them: the mixed sound levelled, or else the
 * parts' own sounds joined. `firstInput` is the number of the first of these inputs.
 */
export function joinedSound(join: Join, sound: CutSound, firstInput: number): { inputs: string[]; filter: string } {
  const { mixed, parts } = join;
  if (mixed !== undefined) {
    const filter = `[${firstInput}:a:0]${levelFilter(mixed.levelling)}[sound]`;
    return { inputs: inputArgs(mixed.path), filter };
  }
  const inputs = parts.flatMap((part) => (part.sound ? [...KNOWN_STREAMS, ...inputArgs(part.sound.path)] : []));
  return { inputs, filter: clipsSound(join, sound, { firstInput, label: 'sound' }) };
}
