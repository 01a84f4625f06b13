import type { ReelwrightError } from '../../domain/errors.js';
import { inputArgs } from '../ffmpeg/input-args.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import { fractionOf, runFfmpeg } from '../ffmpeg/run-ffmpeg.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { lastWords, leftWithFailure } from '../ffmpeg/tool-errors.js';

export interface DecodeAllOptions extends RunLimits {
  durationSeconds: number;
  /** Gets how much is decoded, 0 to 1. */
  onProgress?: ((fraction: number) => void) | undefined;
  /** Makes the error for a file that does not decode, from what ffmpeg said. */
  broken: (seen: string, cause: unknown) => ReelwrightError;
}

/**
 * Decodes a file's picture and sound to their ends and gives the number of frames. Throws what `broken` makes of a
 * decoding error, FFMPEG_FAILED when ffmpeg was ended or could not be run, the signal's reason when aborted.
 */
export async function decodeAll(tools: MediaTools, path: string, options: DecodeAllOptions): Promise<number> {
  const { durationSeconds, onProgress, broken, ...limits } = options;
  const args = ['-xerror', ...inputArgs(path), '-map', '0:v:0', '-map', '0:a?', '-f', 'null', '-'];
  const run = { ...limits, onProgress: fractionOf(durationSeconds, onProgress) };
  const { frames } = await runFfmpeg(tools, args, run).catch((error: unknown) => {
    if (!leftWithFailure(error)) throw error;
    throw broken(lastWords(String(error.details?.['stderr'])), error);
  });
  return frames;
}
