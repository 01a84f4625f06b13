import { inputArgs } from '../ffmpeg/input-args.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import { type RunLimits, runTool } from '../ffmpeg/run-tool.js';

/**
 * The mean level of a file's first sound in dBFS, for `seconds` from `fromSeconds` after the file's beginning; -Infinity
 * where there is none. Errors as `runTool`.
 */
export async function meanLevel(
  tools: MediaTools,
  path: string,
  { fromSeconds, seconds }: { fromSeconds: number; seconds: number },
  limits: RunLimits = {},
): Promise<number> {
  const part = ['-ss', fromSeconds.toFixed(6), '-t', seconds.toFixed(6), ...inputArgs(path), '-map', '0:a:0'];
  // The filter states its result on stderr, at this level.
  const args = [
    '-nostdin',
    '-hide_banner',
    '-nostats',
    '-v',
    'info',
    ...part,
    '-af',
    'volumedetect',
    '-f',
    'null',
    '-',
  ];
  const { stderrTail } = await runTool(tools.ffmpegPath, args, limits);
  const found = /mean_volume: (-?[\d.]+) dB/.exec(stderrTail)?.[1];
  return found === undefined ? Number.NEGATIVE_INFINITY : Number(found);
}
