import type { CutSound } from './cut-plan.js';
import { concatInputArgs, fileUrl, inputArgs } from './input-args.js';
import type { Rational } from './rational.js';

/** One clip of a join, as far as its arguments depend on it. */
export interface JoinPart {
  /** Where its picture is taken from, as it is. */
  picture: string;
  /** Its place in the result, in frames. */
  firstFrame: number;
  frames: number;
  /** Its own sound; left out where it is silent. */
  sound?: PartSound;
}

export interface PartSound {
  path: string;
  channels: number;
  /** When the picture that belongs to it begins, on the sound file's clock. */
  pictureStartSeconds: number;
}

export interface Join {
  /** In playing order. */
  parts: readonly JoinPart[];
  frameRate: Rational;
  /** Left out where the result has none. */
  sound?: CutSound | undefined;
}

const AUDIO_BITRATE = '192k';

/**
 * The ffconcat script for the pictures. Each states the length of its picture, without which a sound that is longer than
 * its picture would push all later clips back. Lengths are counted from the beginning of the join, so that rounding to
 * microseconds never adds up. Throws RangeError for a path with a line break, which the script's line-based format cannot
 * carry.
 */
export function concatScript({ parts, frameRate }: Join): string {
  const at = (frame: number): number => Math.round((frame * frameRate.den * 1e6) / frameRate.num);
  const entries = parts.map(({ picture, firstFrame, frames }) => {
    const microseconds = at(firstFrame + frames) - at(firstFrame);
    return `file ${quote(fileUrl(picture))}\nduration ${(microseconds / 1e6).toFixed(6)}\n`;
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
 * the other and encoded once. Nothing of the clips' metadata goes along, and equal input gives equal bytes.
 */
export function joinArgs(join: Join, script: string, output: string): string[] {
  const inputs = join.parts.flatMap(({ sound }) => (join.sound && sound ? inputArgs(sound.path) : []));
  const sounds = join.sound ? [...inputs, '-filter_complex', soundFilter(join, join.sound)] : ['-an'];
  const picture = ['-map', '0:v:0', '-c:v', 'copy'];
  const sound = join.sound ? ['-map', '[sound]', '-c:a', 'aac', '-b:a', AUDIO_BITRATE] : [];
  const bare = ['-map_metadata', '-1', '-map_chapters', '-1', '-fflags', '+bitexact', '-flags:a', '+bitexact'];
  const target = ['-movflags', '+faststart', '-f', 'mp4', fileUrl(output)];
  // ffmpeg moves each input to zero by its earliest packet, which for AAC lies before zero: the joined picture alone
  // would be moved late against the sound. Clocks are left as they are, and the sound filter does its own moving.
  return ['-copyts', ...concatInputArgs(script), ...sounds, ...picture, ...sound, ...bare, ...target];
}

/**
 * Input 0 is the script, the others are the sounds. Lengths are counted in samples from the beginning of the join, so
 * that rounding never adds up.
 */
function soundFilter({ parts, frameRate }: Join, { sampleRate, channels }: CutSound): string {
  const at = (frame: number): number => Math.round((frame * frameRate.den * sampleRate) / frameRate.num);
  const layout = channels === 1 ? 'mono' : 'stereo';
  let input = 0;
  const filters = parts.map(({ firstFrame, frames, sound }, index) => {
    const samples = at(firstFrame + frames) - at(firstFrame);
    if (sound === undefined) {
      return `anullsrc=r=${sampleRate}:cl=${layout},atrim=end_sample=${samples}[s${index}]`;
    }
    input += 1;
    // Left to itself ffmpeg makes mono quieter when it becomes stereo.
    const spread = sound.channels === 1 && channels === 2 ? 'pan=stereo|c0=c0|c1=c0,' : '';
    const moved = `asetpts=PTS-(${sound.pictureStartSeconds})/TB,${spread}aresample=${sampleRate}:async=1:first_pts=0`;
    const fitted = `aformat=channel_layouts=${layout},apad=whole_len=${samples},atrim=end_sample=${samples}`;
    return `[${input}:a:0]${moved},${fitted}[s${index}]`;
  });
  const labels = parts.map((_, index) => `[s${index}]`).join('');
  return `${filters.join(';')};${labels}concat=n=${parts.length}:v=0:a=1[sound]`;
}
