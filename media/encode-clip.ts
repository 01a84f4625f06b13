import type { CutTarget } from './clip-format.js';
import type { CutPlan, PlannedClip } from './cut-plan.js';
import { encodeFilter, needsToneMapping } from './encode-filter.js';
import { fileUrl, inputArgs } from './input-args.js';
import type { MediaTools } from './media-tools.js';
import { unusable } from './probe-clip.js';
import { fractionOf, runFfmpeg } from './run-ffmpeg.js';
import { type RunLimits, runTool } from './run-tool.js';
import { lastWords, leftWithFailure } from './tool-errors.js';

/** All that decides the bytes of an encoded clip, beside its source and ffmpeg itself: what the run is given, no more. */
export interface EncodeRecipe extends Record<string, unknown> {
  filter: string;
  /** Output arguments, without the output. */
  output: string[];
  frames: number;
}

/** Looks like its source to the eye; a clip is encoded once, so the size matters less. */
const QUALITY = ['-preset', 'medium', '-crf', '18'];
/** The encoder's decisions depend on the number of its threads: a fixed one makes equal bytes on every machine. */
const THREADS = ['-threads', '4'];
const KEY_FRAME_SECONDS = 2;

/**
 * How a clip of the plan is encoded. Its place among the others is no part of it, so that the result can be kept under
 * the hash of the source and this. Throws RangeError for a clip that is not to be encoded.
 */
export function encodeRecipe(plan: CutPlan, clip: PlannedClip): EncodeRecipe {
  const { target } = plan;
  const perSecond = target.frameRate.num / target.frameRate.den;
  const gop = ['-g', String(Math.ceil(perSecond * KEY_FRAME_SECONDS)), '-flags:v', '+cgop+bitexact'];
  const only = ['-map', '0:V:0', '-an', '-sn', '-dn', '-map_metadata', '-1', '-map_chapters', '-1'];
  const encoder = ['-c:v', 'libx264', '-profile:v', target.profile.toLowerCase()];
  const container = ['-fflags', '+bitexact', '-video_track_timescale', String(target.timeBase.den), '-f', 'mp4'];
  return {
    filter: encodeFilter(plan, clip),
    output: [...only, ...encoder, ...QUALITY, ...THREADS, ...gop, ...colourTags(target), ...container],
    frames: clip.frames,
  };
}

/**
 * Encodes the picture of a clip to the plan's target; its sound is left out, since the join takes that from the clip
 * itself. Equal input makes equal bytes. Throws MEDIA_UNREADABLE naming the clip where it does not decode to its end or has
 * colours that this ffmpeg cannot change, FFMPEG_FAILED when ffmpeg was ended or could not be run, the signal's reason
 * when aborted.
 */
export async function encodeClip(
  tools: MediaTools,
  clip: PlannedClip,
  recipe: EncodeRecipe,
  files: { input: string; output: string },
  run: RunLimits & { onProgress?: ((fraction: number) => void) | undefined } = {},
): Promise<void> {
  const { onProgress, ...limits } = run;
  if (needsToneMapping(clip)) await requireToneMapping(tools, clip, limits);
  const args = ['-xerror', ...inputArgs(files.input), '-vf', recipe.filter, ...recipe.output, fileUrl(files.output)];
  const onEncoded = fractionOf(clip.pictureSeconds, onProgress);
  const made = await runFfmpeg(tools, args, { ...limits, onProgress: onEncoded }).catch((error: unknown) => {
    if (!leftWithFailure(error)) throw error;
    const said = lastWords(String(error.details?.['stderr']));
    throw unusable(clip.number, 'to be encodable to its end', `was not: ${said}`, error);
  });
  if (made.frames !== recipe.frames) {
    throw unusable(clip.number, `to give ${recipe.frames} frames`, `gave ${made.frames}`);
  }
  onProgress?.(1);
}

function colourTags({ matrix }: CutTarget): string[] {
  if (matrix === 'unspecified') return [];
  const family = matrix === 'bt709' ? 'bt709' : 'smpte170m';
  return ['-colorspace', matrix, '-color_primaries', family, '-color_trc', family, '-color_range', 'tv'];
}

async function requireToneMapping(tools: MediaTools, clip: PlannedClip, limits: RunLimits): Promise<void> {
  const { stdout } = await runTool(tools.ffmpegPath, ['-hide_banner', '-v', 'error', '-filters'], limits);
  const missing = ['zscale', 'tonemap'].filter((name) => !new RegExp(`^ \\S+ ${name} `, 'm').test(stdout));
  if (missing.length === 0) return;
  const seen = `is ${clip.reasons.join(', ')}, for which this ffmpeg lacks ${missing.join(' and ')}`;
  throw unusable(clip.number, 'to have colours that an ordinary screen shows', seen);
}

/**
 * Puts a clip's picture, unchanged, into a container of its own: alone, beginning at 0, with the target's time base.
 * Errors as `encodeClip`.
 */
export async function rewrapClip(
  tools: MediaTools,
  plan: CutPlan,
  clip: PlannedClip,
  files: { input: string; output: string },
  limits: RunLimits = {},
): Promise<void> {
  const toZero = 'setts=pts=PTS-STARTPTS:dts=DTS-STARTPTS';
  const copy = ['-map', '0:V:0', '-c', 'copy', '-bsf:v', toZero];
  const clock = ['-video_track_timescale', String(plan.target.timeBase.den), '-f', 'mp4', fileUrl(files.output)];
  await runFfmpeg(tools, [...inputArgs(files.input), ...copy, ...clock], limits).catch((error: unknown) => {
    if (!leftWithFailure(error)) throw error;
    const said = lastWords(String(error.details?.['stderr']));
    throw unusable(clip.number, 'to be copyable into a new container', `was not: ${said}`, error);
  });
}
