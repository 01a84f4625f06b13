import { ReelwrightError } from '../../domain/errors.js';
import type { MediaTools } from './media-tools.js';
import { type RunLimits, runTool } from './run-tool.js';

/** How far ffmpeg has come: seconds of output time, and frames of picture. */
export interface FfmpegProgress {
  seconds: number;
  frames: number;
}

export interface FfmpegRun extends RunLimits {
  onProgress?: ((progress: FfmpegProgress) => void) | undefined;
  /** Gets every other `key=value` that is printed: what filters say of frames (`metadata=print:file=-`). */
  onValue?: ((key: string, value: string) => void) | undefined;
  /** The run is ended, and fails with FFMPEG_FAILED, once it has written more. Without it there is no limit. */
  maxOutputBytes?: number | undefined;
}

/** Often enough for a heartbeat and a progress bar. */
const PROGRESS_PERIOD_SECONDS = '0.25';

/**
 * Runs ffmpeg with `args` (inputs, options, outputs), reports its progress, and returns the last of it. Overwrites
 * outputs. Errors as `runTool`.
 */
export async function runFfmpeg(
  tools: MediaTools,
  args: readonly string[],
  run: FfmpegRun = {},
): Promise<FfmpegProgress> {
  const { onProgress, onValue, maxOutputBytes, ...limits } = run;
  const last: FfmpegProgress = { seconds: 0, frames: 0 };
  const onBlock = (progress: Partial<FfmpegProgress>): void => {
    Object.assign(last, progress);
    onProgress?.({ ...last });
  };
  const reader = progressReader(onBlock, (key, value) => {
    if (key === 'total_size') requireSmall(Number(value), maxOutputBytes);
    else onValue?.(key, value);
  });
  const common = ['-nostdin', '-hide_banner', '-v', 'error', '-y'];
  const reporting = ['-nostats', '-stats_period', PROGRESS_PERIOD_SECONDS, '-progress', 'pipe:1'];
  await runTool(tools.ffmpegPath, [...common, ...reporting, ...args], { ...limits, onStdout: reader });
  return last;
}

/**
 * Turns progress of a run that makes `totalSeconds` into fractions from 0 to 1 that never go back. 1 is left for the
 * caller to say, when the result is proven.
 */
export function fractionOf(
  totalSeconds: number,
  onFraction: ((fraction: number) => void) | undefined,
): (progress: FfmpegProgress) => void {
  let highest = 0;
  return ({ seconds }) => {
    highest = Math.min(0.99, Math.max(highest, seconds / totalSeconds));
    onFraction?.(highest);
  };
}

/** ffmpeg's own limit (`-fs`) cuts a file off and calls that a success. */
function requireSmall(bytes: number, maxBytes = Number.POSITIVE_INFINITY): void {
  if (!(bytes > maxBytes)) return;
  throw new ReelwrightError('FFMPEG_FAILED', `ffmpeg was expected to write at most ${maxBytes} bytes, and wrote more`, {
    details: { maxBytes, bytes },
  });
}

/**
 * Reads the `key=value` lines of `-progress`, a block of which ends with the key `progress`. Values may be "N/A". What is
 * no number of a block goes to `onValue`.
 */
export function progressReader(
  onBlock: (progress: Partial<FfmpegProgress>) => void,
  onValue?: (key: string, value: string) => void,
): (text: string) => void {
  let rest = '';
  let block: Partial<FfmpegProgress> = {};
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [key = '', value] = line.split('=', 2).map((part) => part.trim());
      const number = Number(value);
      if (key === 'out_time_us' && number >= 0) block.seconds = number / 1e6;
      else if (key === 'frame' && number >= 0) block.frames = number;
      else if (key === 'progress') {
        onBlock(block);
        block = {};
      } else if (value !== undefined) onValue?.(key, value);
    }
  };
}
