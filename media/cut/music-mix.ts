import { join as joinPath } from 'node:path';
import { fileUrl, inputArgs } from '../ffmpeg/input-args.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { settleAll } from '../ffmpeg/settle.js';
import type { CutPlan } from '../plan/cut-plan.js';
import { MUSIC_SOUND, type MusicPlan } from '../plan/music-plan.js';
import { blameMusic } from '../probe/probe-music.js';
import { type Join, joinedSound } from './join-args.js';
import { type Levelling, type Loudness, planLevelling, runMetered } from './loudness.js';
import { fitFilter, mixFilter, musicGainDb, samplesOf } from './music-filter.js';

export interface MusicToMix {
  plan: CutPlan;
  music: MusicPlan;
  musicPath: string;
  /** The clips' own sounds. */
  clips: Join;
  /** A folder for files between, up to 1.2 MB for each second of the video; the caller removes it. */
  dir: string;
}

export interface MusicMix {
  path: string;
  levelling: Levelling;
  /** What was done to the music itself, before the levelling. */
  musicGainDb: number;
}

/**
 * Makes a video's whole sound of its music and its clips' own sounds, as a file that the join levels and encodes. Only
 * sounds are decoded, each once. Throws MEDIA_UNREADABLE (`details.music`) when the music cannot be decoded; otherwise
 * errors as `runTool`.
 */
export async function mixMusic(tools: MediaTools, work: MusicToMix, limits: RunLimits): Promise<MusicMix> {
  const { plan, music, musicPath, clips, dir } = work;
  const samples = samplesOf(plan.frames, plan.target.frameRate);
  const [musicFile, clipsFile, mixFile] = [
    joinPath(dir, 'music.wav'),
    joinPath(dir, 'clips.wav'),
    joinPath(dir, 'mix.wav'),
  ] as const;
  const fitted = runMetered(
    tools,
    (meter) => [
      ...inputArgs(musicPath),
      '-filter_complex',
      `${fitFilter(music, samples, '[0:a:0]')},${meter}[fitted]`,
      ...waveArgs('[fitted]', musicFile),
    ],
    limits,
  ).catch(blameMusic);
  const joined = music.ducked ? clipSound(tools, clips, clipsFile, samples, limits) : Promise.resolve(undefined);
  const [own, theirs] = await settleAll([fitted, joined]);
  if (theirs === undefined) {
    const levelling = await planLevelling(tools, musicFile, own, music.targetLufs, limits);
    return { path: musicFile, levelling, musicGainDb: 0 };
  }
  const gainDb = musicGainDb(own.lufs, theirs.lufs);
  const mix = (meter: string): string[] => [
    ...[clipsFile, musicFile].flatMap(inputArgs),
    '-filter_complex',
    `${mixFilter(gainDb, theirs.lufs)},${meter}[mix]`,
    ...waveArgs('[mix]', mixFile),
  ];
  const whole = await runMetered(tools, mix, limits);
  const levelling = await planLevelling(tools, mixFile, whole, music.targetLufs, limits);
  return { path: mixFile, levelling, musicGainDb: gainDb };
}

/** The clips' sounds joined as they would be without music, and how loud they are. */
async function clipSound(
  tools: MediaTools,
  clips: Join,
  output: string,
  samples: number,
  limits: RunLimits,
): Promise<Loudness> {
  const { inputs, filter } = joinedSound(clips, MUSIC_SOUND, 0);
  const whole = `${filter};[sound]apad=whole_len=${samples},atrim=end_sample=${samples}`;
  // Clocks are left as they are, as in the join: the filter does its own moving.
  const args = (meter: string): string[] => [
    '-copyts',
    ...inputs,
    '-filter_complex',
    `${whole},${meter}[clips]`,
    ...waveArgs('[clips]', output),
  ];
  return await runMetered(tools, args, limits);
}

/** Floating point: what is louder than full scale between two steps is not cut off. */
function waveArgs(label: string, output: string): string[] {
  return ['-map', label, '-map_metadata', '-1', '-c:a', 'pcm_f32le', '-f', 'wav', fileUrl(output)];
}
