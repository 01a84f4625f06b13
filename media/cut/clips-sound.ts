import type { Rational } from '../ffmpeg/rational.js';
import type { CutSound } from '../plan/cut-plan.js';

/** One clip of a join, as far as the sound depends on it. */
export interface JoinPart {
  /** Its place in the result, in frames. It may begin before the one before it ends, but not before that one begins. */
  firstFrame: number;
  frames: number;
  /** Its own sound; left out where it is silent. */
  sound?: PartSound;
  /** How its own sound comes and goes; left out where it is there at once. */
  fadeIn?: SoundFade;
  fadeOut?: SoundFade;
}

export interface PartSound {
  path: string;
  channels: number;
  /** When the picture that belongs to it begins, on the sound file's clock. */
  pictureStartSeconds: number;
}

/** A curve by its name in ffmpeg's `afade`: two that cross by "qsin" keep the power, "tri" follows a picture's fade. */
export interface SoundFade {
  frames: number;
  curve: 'qsin' | 'tri';
}

/**
 * The filter that makes the clips' sounds one, as `[label]`: each fitted to its picture, one behind the other, and both at
 * once where two clips are shown at once. Inputs from `firstInput` on are the parts' own sounds in order. Lengths are
 * counted in samples from the beginning of the join, so that rounding never adds up.
 */
export function clipsSound(
  { parts, frameRate }: { parts: readonly JoinPart[]; frameRate: Rational },
  format: CutSound,
  { firstInput, label }: { firstInput: number; label: string },
): string {
  const at = (frame: number): number => Math.round((frame * frameRate.den * format.sampleRate) / frameRate.num);
  let input = firstInput - 1;
  const filters = parts.map((part, index) => {
    const [begin, end] = [at(part.firstFrame), at(part.firstFrame + part.frames)];
    if (part.sound === undefined) return silence(format, end - begin, `s${index}`);
    input += 1;
    const fadeIn = part.fadeIn && { ...part.fadeIn, from: 0, to: at(part.firstFrame + part.fadeIn.frames) - begin };
    const fadeOut = part.fadeOut && {
      ...part.fadeOut,
      from: at(part.firstFrame + part.frames - part.fadeOut.frames) - begin,
      to: end - begin,
    };
    const fades = [
      ...(fadeIn ? [`,afade=t=in:ss=0:ns=${fadeIn.to}:curve=${fadeIn.curve}`] : []),
      ...(fadeOut ? [`,afade=t=out:ss=${fadeOut.from}:ns=${fadeOut.to - fadeOut.from}:curve=${fadeOut.curve}`] : []),
    ];
    return `[${input}:a:0]${fitFilter(part.sound, format, end - begin)}${fades.join('')}[s${index}]`;
  });
  const ends = parts.map(({ firstFrame, frames }) => firstFrame + frames);
  const overlaps = parts.some(({ firstFrame }, index) => index > 0 && firstFrame < (ends[index - 1] ?? 0));
  if (!overlaps)
    return `${filters.join(';')};${joined(
      parts.map((_, index) => `s${index}`),
      label,
    )}`;

  // No clip reaches the one behind the next: every other clip is on a track of its own, with silence in between.
  const tracks = [0, 1].map((side) => {
    let reached = 0;
    const labels: string[] = [];
    const fillTo = (sample: number): void => {
      const gap = `g${side}x${labels.length}`;
      if (sample > reached) filters.push(silence(format, sample - reached, gap));
      if (sample > reached) labels.push(gap);
    };
    for (const [index, { firstFrame }] of parts.entries()) {
      if (index % 2 !== side) continue;
      fillTo(at(firstFrame));
      labels.push(`s${index}`);
      reached = at(ends[index] ?? 0);
    }
    fillTo(at(ends.at(-1) ?? 0));
    return joined(labels, `track${side}`);
  });
  return [...filters, ...tracks, `[track0][track1]amix=inputs=2:normalize=0[${label}]`].join(';');
}

function fitFilter(sound: PartSound, { sampleRate, channels }: CutSound, samples: number): string {
  const layout = layoutOf(channels);
  // Left to itself ffmpeg makes mono quieter when it becomes stereo.
  const spread = sound.channels === 1 && channels === 2 ? 'pan=stereo|c0=c0|c1=c0,' : '';
  const moved = `asetpts=PTS-(${sound.pictureStartSeconds})/TB,${spread}aresample=${sampleRate}:async=1:first_pts=0`;
  return `${moved},aformat=channel_layouts=${layout},apad=whole_len=${samples},atrim=end_sample=${samples}`;
}

function silence({ sampleRate, channels }: CutSound, samples: number, label: string): string {
  return `anullsrc=r=${sampleRate}:cl=${layoutOf(channels)},atrim=end_sample=${samples}[${label}]`;
}

function joined(labels: readonly string[], label: string): string {
  return `${labels.map((one) => `[${one}]`).join('')}concat=n=${labels.length}:v=0:a=1[${label}]`;
}

function layoutOf(channels: 1 | 2): string {
  return channels === 1 ? 'mono' : 'stereo';
}
