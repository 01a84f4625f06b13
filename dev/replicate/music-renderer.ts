/** Renders the stand-in for a music model: four chords under a slow arpeggio, in a key that comes from the prompt. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { runProgram } from './ffmpeg.js';
import type { MusicJob } from './render-job.js';

/** A minor, F, C, G: root, third and fifth, in semitones from A below middle C. */
const CHORDS = [
  [0, 3, 7],
  [-4, 0, 3],
  [3, 7, 10],
  [-2, 2, 5],
] as const;
const A_BELOW_MIDDLE_C = 220;

/** The part of the input audio that stays in front of the new music: a file, from and to in seconds. */
export interface KeptSound {
  path: string;
  start: number;
  end: number;
}

function frequency(semitones: number): string {
  return (A_BELOW_MIDDLE_C * 2 ** (semitones / 12)).toFixed(3);
}

/** One channel as an ffmpeg expression of `t`. `detune` parts the two sides. */
function channel(seconds: number, transpose: number, detune: number): string {
  const quarter = seconds / CHORDS.length;
  const tone = (n: 0 | 1 | 2) => {
    const [a, b, c, d] = CHORDS.map((chord) => frequency(chord[n] + transpose));
    return `if(lt(t,${quarter}),${a},if(lt(t,${2 * quarter}),${b},if(lt(t,${3 * quarter}),${c},${d})))`;
  };
  const sine = (factor: number, stored: number) => `sin(2*PI*${factor}*ld(${stored})*t)`;
  const attack = Math.min(1.2, quarter / 3);
  return [
    `st(0,mod(t,${quarter}))`,
    // Short release, so that no chord ends with a click.
    `st(1,min(1,ld(0)/${attack})*min(1,(${quarter}-ld(0))/0.08))`,
    `st(2,${tone(0)})`,
    `st(3,${tone(1)})`,
    `st(4,${tone(2)})`,
    'st(5,mod(t,0.5))',
    'st(6,mod(floor(t/0.5),3))',
    'st(7,2*if(eq(ld(6),0),ld(2),if(eq(ld(6),1),ld(4),ld(3))))',
    `ld(1)*(0.13*(${sine(1, 2)}+${sine(1, 3)}+${sine(1, 4)})` +
      `+0.06*(${sine(1 + detune, 2)}+${sine(1 - detune, 4)})+0.16*${sine(0.5, 2)})` +
      `+0.14*min(1,ld(5)/0.012)*exp(-6*ld(5))*${sine(1, 7)}`,
  ].join(';');
}

function musicFilter(job: MusicJob, label: string): string {
  const { seconds, sampleRate } = job;
  const transpose = ((createHash('sha256').update(job.prompt).digest()[0] ?? 0) % 12) - 6;
  const sides = job.stereo ? [0.003, 0.0045] : [0.003];
  const expressions = sides.map((detune) => channel(seconds, transpose, detune)).join('|');
  const fadeIn = Math.min(1, seconds / 4);
  const fadeOut = Math.min(2, seconds / 4);
  return (
    `aevalsrc=exprs='${expressions}':s=${sampleRate}:d=${seconds}:c=${job.stereo ? 'stereo' : 'mono'},` +
    'lowpass=f=3500,tremolo=f=0.25:d=0.2,aecho=0.8:0.7:310|470:0.3|0.2,' +
    `afade=t=in:d=${fadeIn},afade=t=out:st=${seconds - fadeOut}:d=${fadeOut},alimiter=limit=0.9,` +
    `atrim=end=${seconds},asetpts=PTS-STARTPTS,aformat=sample_fmts=fltp:channel_layouts=${job.stereo ? 'stereo' : 'mono'}[${label}]`
  );
}

/** Seconds of sound in a file. Throws where it holds none. */
export async function soundSeconds(path: string, ffprobePath: string, signal: AbortSignal): Promise<number> {
  const fields = ['-select_streams', 'a:0', '-show_entries', 'stream=codec_type:format=duration', '-of', 'json'];
  const answer = JSON.parse(await runProgram(ffprobePath, ['-v', 'error', ...fields, path], signal)) as {
    streams?: unknown[];
    format?: { duration?: string };
  };
  const seconds = Number(answer.format?.duration);
  if (answer.streams?.length !== 1 || !(seconds > 0)) throw new Error('expected a file with sound, found none in it');
  return seconds;
}

/** Renders the job into `folder` and returns the file: the kept sound, if any, and then exactly the new seconds. */
export async function renderMusic(options: {
  job: MusicJob;
  kept: KeptSound | undefined;
  folder: string;
  ffmpegPath: string;
  signal: AbortSignal;
}): Promise<string> {
  const { job, kept, folder } = options;
  const layout = job.stereo ? 'stereo' : 'mono';
  const filter =
    kept === undefined
      ? musicFilter(job, 's')
      : `[0:a:0]atrim=start=${kept.start}:end=${kept.end},asetpts=PTS-STARTPTS,aresample=${job.sampleRate},` +
        `aformat=sample_fmts=fltp:channel_layouts=${layout}[k];${musicFilter(job, 'n')};[k][n]concat=n=2:v=0:a=1[s]`;
  const output = join(folder, `out.${job.format}`);
  await runProgram(
    options.ffmpegPath,
    [
      ['-hide_banner', '-loglevel', 'error', '-nostdin'],
      kept === undefined ? [] : ['-i', kept.path],
      ['-filter_complex', filter, '-map', '[s]', '-ar', String(job.sampleRate)],
      job.format === 'mp3' ? ['-c:a', 'libmp3lame', '-b:a', '192k'] : ['-c:a', 'pcm_s16le'],
      ['-fflags', '+bitexact', '-flags:a', '+bitexact', '-map_metadata', '-1', output],
    ].flat(),
    options.signal,
  );
  return output;
}
