import { isReelwrightError } from '../../domain/errors.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { brokenOutput } from './broken-output.js';
import { decodeAll } from './decode-all.js';
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
  const broken = brokenOutput(path);
  const { audio, formatName } = await probe(tools, path, limits).catch((error: unknown) => {
    if (!isReelwrightError(error, 'MEDIA_UNREADABLE')) throw error;
    throw broken('to be a sound file', `is not: ${String(error.details?.['seen'])}`, error);
  });
  if (audio === undefined) throw broken('to have a sound', 'has none');
  const { seconds } = await decodeAll(tools, path, {
    ...limits,
    durationSeconds: audio.durationSeconds,
    streams: ['0:a:0'],
    broken: (said, cause) => broken('to decode to its end', `did not: ${said}`, cause),
  });
  const lost = audio.durationSeconds - seconds;
  if (seconds <= 0) throw broken('to last longer than 0 s', 'has no sound in it');
  if (lost > LOST_SECONDS) throw broken(`to last ${audio.durationSeconds} s, as it states`, `decodes to ${seconds} s`);
  const decoded = { ...audio, durationSeconds: seconds };
  return { audio: decoded, contentType: CONTENT_TYPES[formatName] ?? 'audio/mp4' };
}
