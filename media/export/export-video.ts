import { rename, rm } from 'node:fs/promises';
import { ReelwrightError } from '../../domain/errors.js';
import { fileUrl, inputArgs } from '../ffmpeg/input-args.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import { fractionOf, runFfmpeg } from '../ffmpeg/run-ffmpeg.js';
import { type RunLimits, runTool } from '../ffmpeg/run-tool.js';
import { mostEncodedBytes } from '../plan/bytes-needed.js';
import type { MediaProbe } from '../probe/media-probe.js';
import { probe } from '../probe/probe.js';
import { type ExportOrder, type ExportPlan, planExport } from './export-plan.js';
import { proveExport } from './prove-export.js';

export interface ExportOptions extends RunLimits, ExportOrder {
  /** The video: one that this product has cut. */
  input: string;
  /** Where the proven export appears at once; what was there is replaced. */
  output: string;
  /** Gets how much is done, 0 to 1; 1 when the export is proven. */
  onProgress?: ((fraction: number) => void) | undefined;
}

/** Decoding, which proves the result, against encoding it. */
const PROOF_SHARE = 0.1;

/**
 * Writes a video in another format or quality. The time limit is for each run of a tool, by default one that goes by the
 * video's size. Leaves nothing behind but a
 * proven export. Throws ENCODER_MISSING where this ffmpeg lacks one that is needed, EXPORT_WRONG when the result is not
 * its video, MEDIA_UNREADABLE for a file that is no video, FFMPEG_FAILED when ffmpeg fails, the signal's reason when
 * aborted.
 */
export async function exportVideo(tools: MediaTools, options: ExportOptions): Promise<MediaProbe> {
  const { input, output, format, quality, onProgress, ...given } = options;
  const source = await probe(tools, input, given);
  if (source.video === undefined) {
    throw new ReelwrightError('MEDIA_UNREADABLE', 'a video was expected to be exported, and has no picture');
  }
  const limits = { ...given, timeLimitMs: given.timeLimitMs ?? exportLimitMs(source) };
  const plan = planExport(source, { format, quality });
  await requireEncoders(tools, plan.encoders, limits);
  const unproven = `${output}.unproven`;
  try {
    const onMade = fractionOf(source.durationSeconds, (fraction) => onProgress?.(fraction * (1 - PROOF_SHARE)));
    const args = [...inputArgs(input), ...plan.output, fileUrl(unproven)];
    await runFfmpeg(tools, args, { ...limits, ...boundsOf(plan, source), onProgress: onMade });
    const proof = { ...limits, source, plan, format };
    const seen = await proveExport(tools, unproven, {
      ...proof,
      onProgress: (fraction) => onProgress?.(1 - PROOF_SHARE + fraction * PROOF_SHARE),
    });
    await rename(unproven, output);
    onProgress?.(1);
    return seen;
  } finally {
    await rm(unproven, { force: true });
  }
}

/** What any run may take, and what each million pixels of a frame may: VP9 takes a thirtieth of it on two cores. */
const LIMIT_MS = 120_000;
const LIMIT_MS_PER_MEGAPIXEL = 2_000;

/** How long an export of this video may take, in milliseconds: by its pixels, generously. */
export function exportLimitMs({ video, durationSeconds }: MediaProbe): number {
  if (video === undefined) return LIMIT_MS;
  const { width, height, frameRate } = video;
  const megapixels = (width * height * durationSeconds * frameRate.num) / frameRate.den / 1e6;
  return Math.ceil(LIMIT_MS + megapixels * LIMIT_MS_PER_MEGAPIXEL);
}

/** A picture that is encoded is not let run wild; one that is copied has the size that it has. */
function boundsOf(plan: ExportPlan, { video, durationSeconds }: MediaProbe): { maxOutputBytes?: number } {
  if (plan.picture === 'copy' || video === undefined) return {};
  const frames = Math.ceil((durationSeconds * video.frameRate.num) / video.frameRate.den);
  return { maxOutputBytes: mostEncodedBytes(plan, frames) };
}

/** Throws ENCODER_MISSING that names what this ffmpeg was built without. */
async function requireEncoders(tools: MediaTools, encoders: readonly string[], limits: RunLimits): Promise<void> {
  if (encoders.length === 0) return;
  const { stdout } = await runTool(tools.ffmpegPath, ['-hide_banner', '-v', 'error', '-encoders'], limits);
  const missing = encoders.filter((name) => !new RegExp(`^ \\S+ ${name} `, 'm').test(stdout));
  if (missing.length === 0) return;
  throw new ReelwrightError(
    'ENCODER_MISSING',
    `this ffmpeg was expected to have ${missing.join(' and ')}, it has not`,
    {
      details: { missing },
    },
  );
}
