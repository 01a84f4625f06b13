import { closedKeyFrames, type KeyPacket } from './key-frames.js';
import type { VideoStream } from './media-probe.js';

/** When the frames of a file's picture are shown, read from its packets without decoding them. */
export interface FrameScan {
  /** The place of the picture among the file's streams, from 0. */
  streamIndex: number;
  /** Frames that are shown. */
  frames: number;
  /** Frames that are stored but not shown: an edit list leaves them out. */
  hiddenFrames: number;
  /** When the first frame is shown, on the file's clock. */
  startSeconds: number;
  /** From the first frame's beginning to the last one's end. */
  seconds: number;
  /** How long the last frame is shown. */
  lastFrameSeconds: number;
  /** How far from its place at the stated rate a frame is shown, at most; Infinity where a frame has no time. */
  offSeconds: number;
  /** True where every frame has that place, to the tick to which its clock rounds, and the last one its length. */
  steady: boolean;
  /** True where decoding can begin with the first packet. */
  startsWithKeyFrame: boolean;
  /**
   * The frames, counted from 0 in the order in which they are shown, at which the picture can be cut without encoding.
   * To be used only where no frame is hidden.
   */
  keyFrames: number[];
}

type ClockKeys = 'frameRate' | 'timeBase' | 'durationSeconds' | 'frameCount';

/** Half a tick of rounding at either end of what is compared. */
const TICKS_OFF = 1;

/**
 * What makes a scan of a picture's packets, in the order in which they are stored, once it is known what the picture is.
 * `stream` has what ffprobe says of the picture beside them.
 */
export async function scanFrames(
  path: string,
  packets: readonly Packet[],
  stream: Readonly<Record<string, string>>,
): Promise<(video: Pick<VideoStream, ClockKeys>) => FrameScan> {
  const lengthBytes = stream['is_avc'] === 'true' ? ticks(stream['nal_length_size']) : undefined;
  const keyFrames = await closedKeyFrames(path, packets, lengthBytes);
  return (video) => ({
    streamIndex: Number(stream['index'] ?? 0),
    ...timesOf(packets, video),
    startsWithKeyFrame: packets[0]?.key ?? false,
    keyFrames,
  });
}

/** Times are ticks of the stream's clock; undefined where the container states none. */
export interface Packet extends KeyPacket {
  duration: number | undefined;
  hidden: boolean;
}

/** A packet by ffprobe's words for it. */
export function readPacket(fields: Readonly<Record<string, string>>): Packet {
  const flags = fields['flags'] ?? '';
  return {
    pts: ticks(fields['pts']),
    duration: ticks(fields['duration']),
    key: flags.includes('K'),
    position: ticks(fields['pos']),
    size: ticks(fields['size']) ?? 0,
    hidden: flags.includes('D'),
  };
}

function ticks(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

function timesOf(packets: readonly Packet[], video: Pick<VideoStream, ClockKeys>) {
  const tick = video.timeBase.num / video.timeBase.den;
  const step = video.frameRate.den / video.frameRate.num / tick;
  const shown = packets.filter((packet) => !packet.hidden);
  const times = shown.flatMap(({ pts }) => pts ?? []).sort((a, b) => a - b);
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const off = times.reduce((most, pts, index) => Math.max(most, Math.abs(pts - first - index * step)), 0);
  const offTicks = times.length === shown.length ? off : Number.POSITIVE_INFINITY;
  const lastSeen = shown.find(({ pts }) => pts === last)?.duration ?? 0;
  // ffmpeg guesses the length of an MP4's packets where frames are sorted anew; the stream's own length is stated.
  const lastStated =
    video.frameCount === undefined ? Math.max(lastSeen, step) : video.durationSeconds / tick - (last - first);
  const lastTicks = Math.abs(lastStated - step) * tick <= ROUNDED_SECONDS || lastStated <= 0 ? step : lastStated;
  return {
    frames: shown.length,
    hiddenFrames: packets.length - shown.length,
    startSeconds: first * tick,
    seconds: times.length === 0 ? 0 : (last + lastTicks - first) * tick,
    lastFrameSeconds: lastTicks * tick,
    offSeconds: offTicks * tick,
    steady: offTicks <= TICKS_OFF && lastTicks === step,
  };
}

/** An edit list states a length in ticks of the whole file's clock, mostly milliseconds. */
const ROUNDED_SECONDS = 0.002;
