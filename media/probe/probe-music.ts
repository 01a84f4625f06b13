import { isReelwrightError, ReelwrightError } from '../../domain/errors.js';
import { inputArgs } from '../ffmpeg/input-args.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import { runFfmpeg } from '../ffmpeg/run-ffmpeg.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { lastWords, leftWithFailure } from '../ffmpeg/tool-errors.js';
import { probe } from './probe.js';

/** What a cut has to know of a music file. */
export interface MusicProbe {
  /** How long it sounds when it is decoded; what a file states of itself may be wrong. */
  seconds: number;
  sampleRate: number;
  channels: number;
}

/** A shorter one would be a buzz when it is looped. */
const LEAST_SECONDS = 1;

/**
 * That a music file cannot be used (`details.music` is true): the video can do without it. Trying again does not help.
 */
export function unusableMusic(expected: string, seen: string, cause?: unknown): ReelwrightError {
  return new ReelwrightError('MEDIA_UNREADABLE', `the music was expected ${expected}, and ${seen}`, {
    cause,
    details: { music: true, expected, seen },
  });
}

/** Passes on what is no fault of the music; makes MEDIA_UNREADABLE of a run that left with a failure. */
export function blameMusic(error: unknown): never {
  if (!leftWithFailure(error)) throw error;
  throw unusableMusic('to be readable', `is not: ${lastWords(String(error.details?.['stderr']))}`, error);
}

/**
 * Says what a cut has to know of a music file, and decodes it to its end to know how long it is: an MP3 without an index
 * only guesses. Throws MEDIA_UNREADABLE with `details.music` when it is no media file, is empty, has no sound or less
 * than a second of it; FFMPEG_FAILED when the tools could not do their work; the signal's reason when aborted.
 */
export async function probeMusic(tools: MediaTools, path: string, limits: RunLimits = {}): Promise<MusicProbe> {
  const { audio, video } = await probe(tools, path, limits).catch((error: unknown): never => {
    if (!isReelwrightError(error, 'MEDIA_UNREADABLE')) throw error;
    throw unusableMusic('to be a sound file', `is not: ${String(error.details?.['seen'])}`, error);
  });
  if (audio === undefined) throw unusableMusic('to have sound', `has only ${video?.codec ?? 'unknown'} pictures`);
  const decode = [...inputArgs(path), '-map', '0:a:0', '-af', 'asetpts=N/SR/TB', '-f', 'null', '-'];
  const { seconds } = await runFfmpeg(tools, decode, limits).catch(blameMusic);
  if (seconds < LEAST_SECONDS) {
    throw unusableMusic(`to be at least ${LEAST_SECONDS} s long`, `is ${seconds.toFixed(3)} s`);
  }
  return { seconds, sampleRate: audio.sampleRate, channels: audio.channels };
}
