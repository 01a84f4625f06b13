import { formatRational, type Rational } from '../ffmpeg/rational.js';
import type { VideoStream } from '../probe/media-probe.js';
import type { FrameScan } from '../probe/scan-frames.js';
import { type CutTarget, PROFILES, profileFamily, reasonsToEncode, type Size, shownSize } from './clip-format.js';

/** What an order says of the result's picture; what it does not say is chosen by the clips. */
export interface PictureOrder {
  /** Pixels, both even. */
  size?: Size | undefined;
  /** Frames per second. */
  frameRate?: Rational | undefined;
}

export interface ClipPicture {
  video: VideoStream;
  scan: FrameScan;
}

/** The rates that screens and players expect; a picture of varying rate gets the next one. */
const USUAL_RATES = [24, 25, 30, 50, 60];
/** A varying rate's average may be this much above a usual one, by rounding. */
const RATE_SLACK = 1.01;
/** Fine enough for every usual rate to fall on whole ticks. */
const FINEST_TICKS = 10_000;

/**
 * The format that most clips have, or what the order says. Where several are as common it is the earliest clip's. Profile
 * and time base are those of most clips that can be copied then; where none can, those of H.264 High.
 */
export function chooseTarget(clips: readonly ClipPicture[], order: PictureOrder): CutTarget {
  const steadyRates = clips.flatMap(({ video, scan }) => (scan.steady ? [video.frameRate] : []));
  const usual = mostCommon(steadyRates, formatRational);
  const formats = clips.map(({ video, scan }) => ({
    size: order.size ?? shownSize(video),
    frameRate: order.frameRate ?? (scan.steady ? video.frameRate : (usual ?? usualRate(scan))),
  }));
  const format = mostCommon(formats, ({ size, frameRate }) => `${sizeText(size)} ${formatRational(frameRate)}`);
  if (format === undefined) throw new RangeError('at least one clip was expected, got none');
  const { size, frameRate } = format;

  const alone = (profile: string, timeBase: Rational, matrix: string): CutTarget => {
    const picture = { width: size.width, height: size.height, frameRate };
    return { codec: 'h264', profile, ...picture, timeBase, pixelFormat: 'yuv420p', matrix };
  };
  const copyable = clips.flatMap(({ video, scan }) => {
    const own = alone(profileFamily(video.profile ?? ''), video.timeBase, 'unspecified');
    return PROFILES.includes(own.profile) && reasonsToEncode(video, scan, own).length === 0 ? [{ video, own }] : [];
  });
  const matrices = copyable.flatMap(({ video }) => video.colour?.matrix ?? []);
  const matrix = mostCommon(matrices, String) ?? 'unspecified';
  const own = mostCommon(copyable, ({ own: one }) => `${one.profile} ${formatRational(one.timeBase)}`)?.own;
  if (own === undefined) return alone('High', { num: 1, den: ticksPerSecond(frameRate) }, 'bt709');
  return { ...own, matrix };
}

/** The one whose name is the most frequent, and of those the earliest. */
export function mostCommon<T>(all: readonly T[], nameOf: (one: T) => string): T | undefined {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(nameOf(one), (counts.get(nameOf(one)) ?? 0) + 1);
  const highest = Math.max(...counts.values());
  return all.find((one) => counts.get(nameOf(one)) === highest);
}

function usualRate({ frames, seconds }: FrameScan): Rational {
  const average = frames / seconds;
  return { num: USUAL_RATES.find((rate) => average <= rate * RATE_SLACK) ?? 60, den: 1 };
}

/** A whole number of ticks for each frame. */
function ticksPerSecond({ num }: Rational): number {
  return num >= FINEST_TICKS ? num : num * 1000;
}

function sizeText({ width, height }: Size): string {
  return `${width}x${height}`;
}
