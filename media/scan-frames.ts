import { inputArgs } from './input-args.js';
import type { VideoStream } from './media-probe.js';
import type { MediaTools } from './media-tools.js';
import { parseRational } from './rational.js';
import { type RunLimits, runTool } from './run-tool.js';

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
}

type ClockKeys = 'frameRate' | 'timeBase' | 'durationSeconds' | 'frameCount';

const ENTRIES = 'packet=pts,duration,flags:stream=index,time_base';

/** Half a tick of rounding at either end of what is compared. */
const TICKS_OFF = 1;

/**
 * Reads the times of all frames of a file, and gives what makes a scan of them once `probe` has said what its picture is.
 * Both can so be asked side by side. Throws FFMPEG_FAILED when ffprobe fails, the signal's reason when aborted.
 */
export async function scanFrames(
  tools: MediaTools,
  path: string,
  limits: RunLimits = {},
): Promise<(video: Pick<VideoStream, ClockKeys>) => FrameScan> {
  const { packets, stream } = await readPackets(tools, path, 'V:0', limits);
  return (video) => ({
    streamIndex: Number(stream['index'] ?? 0),
    ...timesOf(packets, video),
    startsWithKeyFrame: packets[0]?.key ?? false,
  });
}

/** When the last packet of a file's first sound ends, in seconds of the file's clock. Errors as `scanFrames`. */
export async function scanSoundEnd(tools: MediaTools, path: string, limits: RunLimits = {}): Promise<number> {
  const { packets, stream } = await readPackets(tools, path, 'a:0', limits);
  const { num, den } = parseRational(stream['time_base']) ?? { num: 0, den: 1 };
  return Math.max(0, ...packets.slice(-TAIL).map(({ pts, duration }) => (((pts ?? 0) + (duration ?? 0)) * num) / den));
}

/** Packets are stored nearly in the order of their times. */
const TAIL = 16;

async function readPackets(tools: MediaTools, path: string, which: string, limits: RunLimits) {
  const packets: Packet[] = [];
  let stream: Record<string, string> = {};
  const onStdout = lineReader((line) => {
    const [section, ...pairs] = line.split('|');
    const fields = Object.fromEntries(pairs.map((pair) => pair.split('=', 2) as [string, string]));
    if (section === 'packet') packets.push(readPacket(fields));
    if (section === 'stream') stream = fields;
  });
  const what = ['-select_streams', which, '-show_entries', ENTRIES];
  const args = ['-hide_banner', '-v', 'error', '-print_format', 'compact', ...what, ...inputArgs(path)];
  await runTool(tools.ffprobePath, args, { ...limits, onStdout });
  return { packets, stream };
}

/** Times are ticks of the stream's clock; undefined where the container states none. */
interface Packet {
  pts: number | undefined;
  duration: number | undefined;
  key: boolean;
  hidden: boolean;
}

function readPacket(fields: Record<string, string>): Packet {
  const flags = fields['flags'] ?? '';
  return {
    pts: ticks(fields['pts']),
    duration: ticks(fields['duration']),
    key: flags.includes('K'),
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

function lineReader(onLine: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
}
