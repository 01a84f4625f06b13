import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ffmpeg, makeClip, tools } from './media-files.js';

const RATE = 48_000;

/** Sounds by what they are like, as ffmpeg sources: endless, at 48 kHz, in one channel. */
export const SOUNDS = {
  /** All frequencies at once, always as loud. */
  noise: 'anoisesrc=c=pink:r=48000:a=0.3:seed=3',
  /** Where no voice is. */
  high: 'sine=f=6000:r=48000',
  /** A tone whose period does not fit into any length used here. */
  low: 'sine=f=441.7:r=48000',
  /** The voice band, four syllables a second. */
  speech: 'anoisesrc=c=white:r=48000:a=0.5:seed=1,highpass=f=300,lowpass=f=3000,tremolo=f=4:d=0.9',
  /** Below the voice. It does not begin with a knock. */
  rumble: 'sine=f=60:r=48000,volume=4,afade=d=0.5',
  /** Peaks of full scale 10 times a second, and 28 dB below them in between. */
  knocks: "aevalsrc='0.9*sin(2*PI*700*t)*(0.04+0.96*lt(mod(t,0.1),0.004))':s=48000",
  silence: 'anullsrc=r=48000:cl=mono',
  hiss: 'anoisesrc=c=white:r=48000:a=0.0005:seed=2',
} as const;

export interface SoundOptions {
  seconds: number;
  sampleRate?: number;
  channels?: 1 | 2;
  /** Decibels by which it is louder. */
  gainDb?: number;
}

/** Writes a sound in the format that the path's ending says, and returns the path. */
export async function makeSound(path: string, like: keyof typeof SOUNDS, options: SoundOptions): Promise<string> {
  const { seconds, sampleRate = RATE, channels = 2, gainDb = 0 } = options;
  const source = ['-f', 'lavfi', '-i', `${SOUNDS[like]},volume=${gainDb}dB,pan=stereo|c0=c0|c1=c0`];
  const format = ['-t', String(seconds), '-ar', String(sampleRate), '-ac', String(channels)];
  await ffmpeg('-v', 'error', ...source, ...format, path);
  return path;
}

/** A clip of one colour with such a sound, or silent where there is none; as `makeClip` otherwise. */
export async function makeHeardClip(
  path: string,
  { seconds, like, gainDb = 0 }: { seconds: number; like?: keyof typeof SOUNDS; gainDb?: number },
): Promise<string> {
  if (like === undefined) return await makeClip(path, { seconds });
  const [picture, sound] = [`${path}.silent.mp4`, `${path}.wav`];
  await makeClip(picture, { seconds });
  await makeSound(sound, like, { seconds, gainDb });
  const both = [
    '-i',
    picture,
    '-i',
    sound,
    '-map',
    '0:v',
    '-map',
    '1:a',
    '-c:v',
    'copy',
    '-c:a',
    'aac',
    '-b:a',
    '256k',
  ];
  await ffmpeg('-v', 'error', ...both, path);
  return path;
}

/** What a file's first sound is after a filter, channel by channel in turn. */
export async function samplesOf(path: string, filter: string, rate: number): Promise<Float32Array> {
  const raw = ['-af', filter, '-ar', String(rate), '-f', 'f32le', '-'];
  const args = ['-nostdin', '-v', 'error', '-xerror', '-i', path, '-map', '0:a:0', ...raw];
  const options = { encoding: 'buffer', timeout: 20_000, maxBuffer: 64 * 1024 * 1024 } as const;
  const { stdout } = await promisify(execFile)(tools.ffmpegPath, args, options);
  return Float32Array.from({ length: stdout.length / 4 }, (_, index) => stdout.readFloatLE(index * 4));
}

/** The left channel of a file's sound after a filter, and its level in dBFS between two times. */
export async function heardThrough(path: string, filter = 'anull') {
  const samples = await samplesOf(path, `${filter},pan=mono|c0=c0`, RATE);
  const level = (fromSeconds: number, toSeconds: number): number => {
    const part = samples.subarray(Math.round(fromSeconds * RATE), Math.round(toSeconds * RATE));
    if (part.length !== Math.round(toSeconds * RATE) - Math.round(fromSeconds * RATE)) {
      throw new RangeError(`sound of ${toSeconds} s was expected, it has ${samples.length / RATE} s`);
    }
    return 10 * Math.log10(part.reduce((sum, sample) => sum + sample ** 2, 0) / part.length + 1e-12);
  };
  /** The levels of windows of `step`, one behind the other. */
  const levels = (fromSeconds: number, toSeconds: number, step: number): number[] =>
    Array.from({ length: Math.round((toSeconds - fromSeconds) / step) }, (_, index) =>
      level(fromSeconds + index * step, fromSeconds + (index + 1) * step),
    );
  return { samples, level, levels };
}
