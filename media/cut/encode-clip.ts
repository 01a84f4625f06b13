import { ReelwrightError } from '../../domain/errors.js';
import { fileUrl, inputArgs } from '../ffmpeg/input-args.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import { type FfmpegRun, fractionOf, runFfmpeg } from '../ffmpeg/run-ffmpeg.js';
import { type RunLimits, runTool } from '../ffmpeg/run-tool.js';
import { lastWords, leftWithFailure } from '../ffmpeg/tool-errors.js';
import type { PlannedClip } from '../plan/cut-plan.js';
import { unusable } from '../probe/probe-clip.js';
import { needsToneMapping } from './encode-filter.js';
import type { EncodeRecipe } from './encode-recipe.js';

/** A clip, and the file that holds its frames from where the recipe lets the decoder begin. */
export interface EncodeInput {
  clip: PlannedClip;
  path: string;
}

type EncodeRun = Omit<FfmpegRun, 'onProgress' | 'onValue'> & { onProgress?: ((fraction: number) => void) | undefined };

/**
 * Encodes the picture of a piece to the plan's target, from the one or two clips that the recipe was made for; sound is
 * left out, since the join takes that from the clips themselves. Equal input makes equal bytes. Throws MEDIA_UNREADABLE
 * naming the clip that does not decode to its end or has colours that this ffmpeg cannot change, FFMPEG_FAILED when ffmpeg
 * was ended or could not be run, the signal's reason when aborted.
 */
export async function encodePiece(
  tools: MediaTools,
  inputs: readonly EncodeInput[],
  recipe: EncodeRecipe,
  output: string,
  run: EncodeRun = {},
): Promise<void> {
  const { onProgress, ...limits } = run;
  const [first] = inputs;
  if (first === undefined) throw new RangeError('a clip to encode was expected, got none');
  for (const { clip } of inputs) if (needsToneMapping(clip)) await requireToneMapping(tools, clip, limits);
  const filter = [inputs.length === 1 ? '-vf' : '-filter_complex', recipe.filter];
  const sources = inputs.flatMap(({ path }) => inputArgs(path));
  const args = ['-xerror', ...sources, ...filter, ...recipe.output, fileUrl(output)];
  const seconds = (first.clip.pictureSeconds / first.clip.frames) * recipe.frames;
  const onEncoded = fractionOf(seconds, onProgress);
  const made = await runFfmpeg(tools, args, { ...limits, onProgress: onEncoded }).catch(async (error: unknown) => {
    if (!leftWithFailure(error)) throw error;
    const { clip } = inputs.length === 1 ? first : await firstDamaged(tools, inputs, limits, error);
    const said = lastWords(String(error.details?.['stderr']));
    throw unusable(clip.number, 'to be encodable to its end', `was not: ${said}`, error);
  });
  if (made.frames !== recipe.frames) {
    const names = inputs.map(({ clip }) => clip.number).join(' and ');
    if (inputs.length === 1)
      throw unusable(first.clip.number, `to give ${recipe.frames} frames`, `gave ${made.frames}`);
    throw new ReelwrightError(
      'CUT_WRONG',
      `the seam of clips ${names} was expected to have ${recipe.frames} frames, seen: ${made.frames}`,
      {
        details: { expected: recipe.frames, seen: made.frames },
      },
    );
  }
  onProgress?.(1);
}

/** Of two clips that were encoded together, the one that cannot be decoded. Throws `error` where both can. */
async function firstDamaged(
  tools: MediaTools,
  inputs: readonly EncodeInput[],
  limits: RunLimits,
  error: unknown,
): Promise<EncodeInput> {
  for (const input of inputs) {
    const args = ['-xerror', ...inputArgs(input.path), '-map', '0:V:0', '-f', 'null', '-'];
    const isWhole = await runFfmpeg(tools, args, limits).then(
      () => true,
      (found: unknown) => {
        if (!leftWithFailure(found)) throw found;
        return false;
      },
    );
    if (!isWhole) return input;
  }
  throw error;
}

async function requireToneMapping(tools: MediaTools, clip: PlannedClip, limits: RunLimits): Promise<void> {
  const { stdout } = await runTool(tools.ffmpegPath, ['-hide_banner', '-v', 'error', '-filters'], limits);
  const missing = ['zscale', 'tonemap'].filter((name) => !new RegExp(`^ \\S+ ${name} `, 'm').test(stdout));
  if (missing.length === 0) return;
  const seen = `is ${clip.reasons.join(', ')}, for which this ffmpeg lacks ${missing.join(' and ')}`;
  throw unusable(clip.number, 'to have colours that an ordinary screen shows', seen);
}
