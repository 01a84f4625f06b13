import { isReelwrightError } from '../../domain/errors.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { brokenOutput } from './broken-output.js';
import { decodeAll } from './decode-all.js';
import type { MediaProbe, VideoStream } from './media-probe.js';
import { probe } from './probe.js';
import { missingBytes } from './top-level-boxes.js';

export interface CheckClipOptions extends RunLimits {
  /** The length of picture that was ordered. */
  expectedDurationSeconds: number;
  /** How far the length may be off, either way. */
  toleranceSeconds?: number | undefined;
  /** Gets how much of the clip is decoded, 0 to 1. */
  onProgress?: ((fraction: number) => void) | undefined;
}

/** Providers round to frames and key frames; half a second is the promise of the product's design. */
const DEFAULT_TOLERANCE_SECONDS = 0.5;

/**
 * Proves that a fetched clip is whole: it has a picture, all of it is there and decodes, and it has the ordered
 * length. Its size, rate and sound are not judged. Throws OUTPUT_BROKEN with what was expected and seen, since fetching
 * it again may help; FFMPEG_FAILED when the tools could not do their work; the signal's reason when aborted.
 */
export async function checkClip(tools: MediaTools, path: string, options: CheckClipOptions): Promise<MediaProbe> {
  const { expectedDurationSeconds, toleranceSeconds = DEFAULT_TOLERANCE_SECONDS, onProgress, ...limits } = options;
  const broken = brokenOutput(path);
  const checkDuration = (what: string, seconds: number) => {
    if (Math.abs(seconds - expectedDurationSeconds) <= toleranceSeconds) return;
    throw broken(`to last ${expectedDurationSeconds} s (within ${toleranceSeconds} s)`, `${what} ${seconds} s`);
  };

  const seen = await probe(tools, path, limits).catch((error: unknown) => {
    if (!isReelwrightError(error, 'MEDIA_UNREADABLE')) throw error;
    throw broken('to be a video file', `is not: ${String(error.details?.['seen'])}`, error);
  });
  if (seen.video === undefined) throw broken('to have a video stream', `has only ${seen.audio?.codec} sound`);
  checkDuration('states', seen.video.durationSeconds);
  const missing = await missingBytes(path, seen);
  if (missing > 0) throw broken('to be whole', `is cut off: its last ${missing} bytes are missing`);

  const decoded = await decodeAll(tools, path, {
    ...limits,
    durationSeconds: seen.durationSeconds,
    onProgress,
    broken: (said, cause) => broken('to decode to its end', `did not: ${said}`, cause),
  });
  checkDuration('decodes to', secondsOf(decoded.frames, seen.video));
  onProgress?.(1);
  return seen;
}

function secondsOf(frames: number, { frameRate }: VideoStream): number {
  return Number(((frames * frameRate.den) / frameRate.num).toFixed(3));
}
