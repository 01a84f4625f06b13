import { concatInputArgs, fileUrl, inputArgs } from './input-args.js';

/** One clip of a join, as far as its arguments depend on it. */
export interface JoinClip {
  path: string;
  /** The length of its picture: where the next clip begins. */
  pictureSeconds: number;
  /** When its earliest stream starts, on its own clock. */
  startSeconds: number;
  /** Undefined where it has no sound. */
  sampleRate: number | undefined;
}

const AUDIO_BITRATE = '192k';

/**
 * The ffconcat script for the clips. Each states the length of its picture: without that a sound that is longer than
 * its picture would push all later clips back. Throws RangeError for a path with a line break, which the script's
 * line-based format cannot carry.
 */
export function concatScript(clips: readonly JoinClip[]): string {
  const entries = clips.map(
    (clip) => `file ${quote(fileUrl(clip.path))}\nduration ${clip.pictureSeconds.toFixed(6)}\n`,
  );
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
export function joinArgs(clips: readonly JoinClip[], script: string, output: string): string[] {
  const withSound = clips.every((clip) => clip.sampleRate !== undefined);
  const sounds = withSound
    ? [...clips.flatMap((clip) => inputArgs(clip.path)), '-filter_complex', soundFilter(clips)]
    : ['-an'];
  const picture = ['-map', '0:v:0', '-c:v', 'copy'];
  const sound = withSound ? ['-map', '[sound]', '-c:a', 'aac', '-b:a', AUDIO_BITRATE] : [];
  const bare = ['-map_metadata', '-1', '-map_chapters', '-1', '-fflags', '+bitexact', '-flags:a', '+bitexact'];
  const target = ['-movflags', '+faststart', '-f', 'mp4', fileUrl(output)];
  // ffmpeg moves each input to zero by its earliest packet, which for AAC lies before zero: the joined picture alone
  // would be moved late against the sound. Clocks are left as they are, and the sound filter does its own moving.
  return ['-copyts', ...concatInputArgs(script), ...sounds, ...picture, ...sound, ...bare, ...target];
}

/**
 * Input 0 is the script, input n the n-th clip. Lengths are counted in samples from the beginning of the join, so that
 * rounding never adds up.
 */
function soundFilter(clips: readonly JoinClip[]): string {
  let joinedSeconds = 0;
  const parts = clips.map((clip, index) => {
    const rate = clip.sampleRate ?? 0;
    const from = Math.round(joinedSeconds * rate);
    joinedSeconds += clip.pictureSeconds;
    const samples = Math.round(joinedSeconds * rate) - from;
    const fitted = `aresample=async=1:first_pts=0,apad=whole_len=${samples},atrim=end_sample=${samples}`;
    return `[${index + 1}:a:0]asetpts=PTS-(${clip.startSeconds})/TB,${fitted}[s${index}]`;
  });
  const labels = clips.map((_, index) => `[s${index}]`).join('');
  return `${parts.join(';')};${labels}concat=n=${clips.length}:v=0:a=1[sound]`;
}
