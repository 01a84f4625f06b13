import { isReelwrightError, ReelwrightError } from '../../domain/errors.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import type { MediaProbe, VideoStream } from './media-probe.js';
import { probeFrames } from './probe-frames.js';
import type { FrameScan } from './scan-frames.js';
import { missingBytes } from './top-level-boxes.js';

/** What a clip says of itself, and when its frames are shown: undefined where it has no picture. */
export interface ClipProbe extends MediaProbe {
  scan?: FrameScan;
}

/** Containers round the length they state; more than this is missing picture. */
const LENGTH_SLACK_SECONDS = 0.1;

/** That a clip cannot become part of a video, and why. Trying again does not help. */
export function unusable(clip: number, expected: string, seen: string, cause?: unknown): ReelwrightError {
  return new ReelwrightError('MEDIA_UNREADABLE', `clip ${clip} was expected ${expected}, and ${seen}`, {
    cause,
    details: { clip, expected, seen },
  });
}

/**
 * Says all that a cut has to know of a clip, without decoding it. Throws MEDIA_UNREADABLE naming the clip
 * (`details.clip`) when it is no media file, is empty, or is cut off; FFMPEG_FAILED when ffprobe could not do its work;
 * the signal's reason when aborted.
 */
export async function probeClip(
  tools: MediaTools,
  clip: number,
  path: string,
  limits: RunLimits = {},
): Promise<ClipProbe> {
  const { seen, scanOf, soundEndSeconds } = await probeFrames(tools, path, limits).catch((error: unknown): never => {
    if (!isReelwrightError(error, 'MEDIA_UNREADABLE')) throw error;
    throw unusable(clip, 'to be a video file', `is not: ${String(error.details?.['seen'])}`, error);
  });
  const missing = await missingBytes(path, seen);
  if (missing > 0) throw unusable(clip, 'to be whole', `is cut off: its last ${missing} bytes are missing`);
  const { video } = seen;
  if (video === undefined) return seen;
  const scan = scanOf(video);
  if (lacksPicture(seen, video, scan, soundEndSeconds)) {
    const stated = `${video.durationSeconds.toFixed(3)} s`;
    throw unusable(clip, `to have the ${stated} of picture that it states`, `has only ${scan.frames} frames of it`);
  }
  return { ...seen, scan };
}

function lacksPicture(seen: MediaProbe, video: VideoStream, scan: FrameScan, soundEndSeconds: number): boolean {
  const slack = Math.max(LENGTH_SLACK_SECONDS, (2 * video.frameRate.den) / video.frameRate.num);
  if (scan.frames === 0) return false;
  // An edit list may leave out frames, but what is left has the length that the stream states.
  if (video.frameCount !== undefined) {
    return scan.frames + scan.hiddenFrames < video.frameCount && scan.lastFrameSeconds > slack;
  }
  const isShort = (seconds: number): boolean => seconds < video.durationSeconds - slack;
  if (!isShort(scan.seconds)) return false;
  // Such containers state one length for all streams: then a longer sound explains what the picture lacks.
  return seen.audio === undefined || isShort(soundEndSeconds - seen.startSeconds);
}
