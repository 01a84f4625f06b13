import { formatRational, type Rational } from '../ffmpeg/rational.js';
import type { Colour, VideoStream } from '../probe/media-probe.js';
import { type ClipProbe, unusable } from '../probe/probe-clip.js';
import type { FrameScan } from '../probe/scan-frames.js';
import { type CutTarget, even, type Size, shownSize } from './clip-format.js';

/** What the run has to know of a clip's file. Times are seconds of the file's clock. */
export interface ClipSource extends Size {
  frameRate: Rational;
  /** When its first stream, and its picture, begin. */
  startSeconds: number;
  pictureStartSeconds: number;
  lastFrameSeconds: number;
  interlaced: boolean;
  colour: Colour;
  channels: number;
  /** A hash of the decoder's setup. */
  setup: string;
}

/** A clip's picture. Throws MEDIA_UNREADABLE (`details.clip`) where it has none. */
export function requirePicture(
  number: number,
  { video, scan, audio }: ClipProbe,
): { video: VideoStream; scan: FrameScan } {
  if (video === undefined || scan === undefined) {
    throw unusable(number, 'to have a video stream', `has only ${audio?.codec ?? 'unknown'} sound`);
  }
  if (scan.frames === 0 || scan.seconds <= 0) throw unusable(number, 'to have a picture', 'has no frames');
  return { video, scan };
}

/**
 * How many frames of this rate a picture has. At least one, so that no clip is lost; each clip is rounded by itself, so that
 * its place does not change it.
 */
export function framesAt({ num, den }: Rational, { seconds }: FrameScan): number {
  return Math.max(1, Math.round((seconds * num) / den));
}

/**
 * Where a picture stands in the target's: as large as fits, in the middle, never stretched by more than the rounding to
 * even numbers.
 */
export function place(video: VideoStream, target: CutTarget): Size & { x: number; y: number } {
  const shown = shownSize(video);
  const scale = Math.min(target.width / shown.width, target.height / shown.height);
  const width = Math.min(target.width, even(shown.width * scale));
  const height = Math.min(target.height, even(shown.height * scale));
  return {
    width,
    height,
    x: 2 * Math.floor((target.width - width) / 4),
    y: 2 * Math.floor((target.height - height) / 4),
  };
}

/** What the run has to know of a clip. */
export function sourceOf(probe: ClipProbe, video: VideoStream, scan: FrameScan): ClipSource {
  const { num, den } = scan.steady
    ? video.frameRate
    : { num: Math.round((scan.frames / scan.seconds) * 1000), den: 1000 };
  const [rateNum = num, rateDen = den] = formatRational({ num, den }).split('/').map(Number);
  return {
    ...shownSize(video),
    frameRate: { num: rateNum, den: rateDen },
    startSeconds: toMicroseconds(probe.startSeconds),
    pictureStartSeconds: toMicroseconds(scan.startSeconds),
    lastFrameSeconds: toMicroseconds(scan.lastFrameSeconds),
    interlaced: video.interlaced === true,
    colour: video.colour ?? {},
    channels: probe.audio?.channels ?? 0,
    setup: video.setup ?? '',
  };
}

/** To microseconds, ffmpeg's own finest step. */
export function toMicroseconds(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}
