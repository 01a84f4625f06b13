import { ReelwrightError } from '../../domain/errors.js';
import { inputArgs } from '../ffmpeg/input-args.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import { type RunLimits, runTool } from '../ffmpeg/run-tool.js';

/** How loud a sound is, by EBU R 128. */
export interface Loudness {
  /** Integrated loudness in LUFS, to a tenth; -70, the scale's end, for silence and for less than 0.4 s. */
  lufs: number;
  /** True peak in dBTP; -Infinity for silence. */
  peakDbtp: number;
}

/** Lets the sound pass as it is, and states its loudness when it ends. */
const METER = 'ebur128=peak=true:framelog=verbose';

/** How a sound is brought to a loudness. */
export interface Levelling {
  gainDb: number;
  /** True where the gain would lift peaks over the ceiling, which are then held down. */
  limited: boolean;
  /** The loudness that comes of it; undefined for a sound that is left as it is. */
  lufs?: number;
}

/** AAC overshoots: this much stays free below the -1 dBTP that no peak of the result is to exceed. */
const CEILING_DBTP = -2;
/** What is quieter than this is noise, which nobody wants to hear at full level. */
const LEAST_LUFS = -50;
/** Beyond this it would be heard that peaks are held down; the sound stays quieter then. */
const MOST_HELD_DOWN_DB = 15;
const NEAR_LU = 0.3;
/** Each costs about as much as measuring once. */
const TRIALS = 4;
/** How little loudness a decibel may give before more of it is no use. */
const LEAST_SLOPE = 0.25;
/** Peaks between samples are seen at four times the rate. */
const OVERSAMPLED = 192_000;
const LOOK_AHEAD_MS = 5;

/**
 * Runs ffmpeg over local files and gives the loudness of a sound that its arguments lead through the meter.
 * `argsWith` gets the meter's filter. Errors as `runTool`.
 */
export async function runMetered(
  tools: MediaTools,
  argsWith: (meter: string) => string[],
  limits: RunLimits = {},
): Promise<Loudness> {
  // The filter states its result on stderr, at this level, after everything else but a line or two.
  const common = ['-nostdin', '-hide_banner', '-nostats', '-v', 'info', '-y'];
  const { stderrTail } = await runTool(tools.ffmpegPath, [...common, ...argsWith(METER)], limits);
  const lufs = /^ +I: +(-?[\d.]+) LUFS/m.exec(lastSummary(stderrTail))?.[1];
  const peak = /^ +Peak: +(-?[\d.]+|-inf) dBFS/m.exec(lastSummary(stderrTail))?.[1];
  if (lufs === undefined || peak === undefined) {
    const seen = stderrTail.slice(-200);
    throw new ReelwrightError('FFMPEG_FAILED', `ffmpeg was expected to state a loudness, and did not: ${seen}`);
  }
  return { lufs: Number(lufs), peakDbtp: peak === '-inf' ? Number.NEGATIVE_INFINITY : Number(peak) };
}

/** A filter that is set up anew, because its input changed, has stated something before. */
function lastSummary(text: string): string {
  return text.slice(Math.max(0, text.lastIndexOf('Summary:')));
}

/** The loudness of a file's first sound, after `filter` where one is given. Errors as `runTool`. */
export async function measureLoudness(
  tools: MediaTools,
  path: string,
  limits: RunLimits = {},
  filter?: string,
): Promise<Loudness> {
  const before = filter === undefined ? '' : `${filter},`;
  const metered = (meter: string): string[] => ['-map', '0:a:0', '-af', `${before}${meter}`, '-f', 'null', '-'];
  return await runMetered(tools, (meter) => [...inputArgs(path), ...metered(meter)], limits);
}

/**
 * Decides how the sound of a file, whose loudness is known, comes to `targetLufs`: by one gain for all of it, so that
 * nothing in it changes against the rest, and by holding down the peaks that then are too high. That takes some loudness,
 * which is measured and given back, as far as it can be. Errors as `runTool`.
 */
export async function planLevelling(
  tools: MediaTools,
  path: string,
  seen: Loudness,
  targetLufs: number,
  limits: RunLimits = {},
): Promise<Levelling> {
  if (seen.lufs < LEAST_LUFS) return { gainDb: 0, limited: false };
  const freeDb = CEILING_DBTP - seen.peakDbtp;
  let gainDb = round(targetLufs - seen.lufs);
  if (gainDb <= freeDb) return { gainDb, limited: false, lufs: targetLufs };
  const most = freeDb + MOST_HELD_DOWN_DB;
  let before = { gainDb: freeDb, lufs: seen.lufs + freeDb };
  for (let trial = 1; ; trial += 1) {
    gainDb = round(Math.min(gainDb, most));
    const { lufs } = await measureLoudness(tools, path, limits, levelFilter({ gainDb, limited: true }));
    const missing = targetLufs - lufs;
    if (Math.abs(missing) <= NEAR_LU || trial === TRIALS || (missing > 0 && gainDb >= most)) {
      return { gainDb, limited: true, lufs };
    }
    const slope = (lufs - before.lufs) / (gainDb - before.gainDb);
    before = { gainDb, lufs };
    gainDb += missing / Math.min(1, Math.max(LEAST_SLOPE, slope));
  }
}

/** The filter that does it. It keeps the sound's length and place, and gives 48 kHz. */
export function levelFilter({ gainDb, limited }: Pick<Levelling, 'gainDb' | 'limited'>): string {
  const gain = `volume=${gainDb}dB:precision=float`;
  if (!limited) return gain;
  const ceiling = (10 ** (CEILING_DBTP / 20)).toFixed(6);
  const limiter = `alimiter=limit=${ceiling}:attack=${LOOK_AHEAD_MS}:release=50:level=false`;
  // What the limiter looks ahead comes out late; its own compensation is too new for many an ffmpeg.
  const late = (OVERSAMPLED * LOOK_AHEAD_MS) / 1000;
  const inPlace = `atrim=start_sample=${late},asetpts=PTS-STARTPTS`;
  return `${gain},aresample=${OVERSAMPLED},apad=pad_len=${late},${limiter},${inPlace},aresample=48000`;
}

/** By how much a sound became louder at least, also where its peaks were held down. */
export function leastGainDb({ gainDb, limited }: Levelling): number {
  return limited ? gainDb - MOST_HELD_DOWN_DB : gainDb;
}

function round(db: number): number {
  return Math.round(db * 100) / 100;
}
