import { basename } from 'node:path';
import { isReelwrightError, ReelwrightError } from '../../domain/errors.js';
import { inputArgs } from '../ffmpeg/input-args.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import { runFfmpeg } from '../ffmpeg/run-ffmpeg.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { lastWords, leftWithFailure } from '../ffmpeg/tool-errors.js';
import type { AudioStream } from './media-probe.js';
import { probe } from './probe.js';

export interface CheckedSound {
  audio: AudioStream;
  /** By the file's container. */
  contentType: string;
}

/** Containers round the length they state; more than this is missing sound. */
const LOST_SECONDS = 0.5;

/** Content types by ffmpeg's names of the containers that music models give. */
const CONTENT_TYPES: Record<string, string> = {
  wav: 'audio/wav',
  mp3: 'audio/mpeg',
  flac: 'audio/flac',
  ogg: 'audio/ogg',
  aac: 'audio/aac',
};

/**
 * Proves that fetched music is whole: it has a sound, and that decodes to its end. Throws OUTPUT_BROKEN with what was
 * expected and seen, since fetching it again may help; FFMPEG_FAILED when the tools could not do their work; the signal's
 * reason when aborted.
 */
export async function checkSound(tools: MediaTools, path: string, limits: RunLimits = {}): Promise<CheckedSound> {
  const broken = (expected: string, seen: string, cause?: unknown): ReelwrightError =>
    new ReelwrightError('OUTPUT_BROKEN', `${basename(path)} was expected ${expected}, and ${seen}`, {
      cause,
      details: { file: basename(path), expected, seen },
    });
  const { audio, formatName } = await probe(tools, path, limits).catch((error: unknown) => {
    if (!isReelwrightError(error, 'MEDIA_UNREADABLE')) throw error;
    throw broken('to be a sound file', `is not: ${String(error.details?.['seen'])}`, error);
  });
  if (audio === undefined) throw broken('to have a sound', 'has none');
  const args = ['-xerror', ...inputArgs(path), '-map', '0:a:0', '-f', 'null', '-'];
  const { seconds } = await runFfmpeg(tools, args, limits).catch((error: unknown) => {
    if (!leftWithFailure(error)) throw error;
    throw broken('to decode to its end', `did not: ${lastWords(String(error.details?.['stderr']))}`, error);
  });
  const lost = audio.durationSeconds - seconds;
  if (seconds <= 0) throw broken('to last longer than 0 s', 'has no sound in it');
  if (lost > LOST_SECONDS) throw broken(`to last ${audio.durationSeconds} s, as it states`, `decodes to ${seconds} s`);
  const decoded = { ...audio, durationSeconds: seconds };
  return { audio: decoded, contentType: CONTENT_TYPES[formatName] ?? 'audio/mp4' };
}
