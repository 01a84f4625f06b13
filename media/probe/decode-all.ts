import type { ReelwrightError } from '../../domain/errors.js';
import { inputArgs } from '../ffmpeg/input-args.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import { type FfmpegProgress, fractionOf, runFfmpeg } from '../ffmpeg/run-ffmpeg.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { lastWords, leftWithFailure } from '../ffmpeg/tool-errors.js';

export interface DecodeAllOptions extends RunLimits {
  durationSeconds: number;
  /** Which streams, in ffmpeg's words. Default: the first picture, and all sounds there may be. */
  streams?: readonly string[] | undefined;
  /** Gets how much is decoded, 0 to 1. */
  onProgress?: ((fraction: number) => void) | undefined;
  /** Makes the error for a file that does not decode, from what ffmpeg said. */
  broken: (seen: string, cause: unknown) => ReelwrightError;
}

/**
 * Decodes streams of a file to their ends and gives how much they came to. Throws what `broken` makes of a decoding error, FFMPEG_FAILED when ffmpeg was ended or could not be run, the signal's reason when aborted.
 */
export async function decodeAll(tools: MediaTools, path: string, options: DecodeAllOptions): Promise<FfmpegProgress> {
  const { durationSeconds, streams = ['0:v:0', '0:a?'], onProgress, broken, ...limits } = options;
  const maps = streams.flatMap((stream) => ['-map', stream]);
  const args = ['-xerror', ...inputArgs(path), ...maps, '-f', 'null', '-'];
  const run = { ...limits, onProgress: fractionOf(durationSeconds, onProgress) };
  return await runFfmpeg(tools, args, run).catch((error: unknown) => {
    if (!leftWithFailure(error)) throw error;
    throw broken(lastWords(String(error.details?.['stderr'])), error);
  });
}
