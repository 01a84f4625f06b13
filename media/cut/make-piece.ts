import { join } from 'node:path';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { mostEncodedBytes } from '../plan/bytes-needed.js';
import type { CutPlan, PlannedClip } from '../plan/cut-plan.js';
import type { CopiedPiece, EncodedPiece, Piece, PieceSource } from '../plan/plan-pieces.js';
import { type EncodeInput, encodePiece } from './encode-clip.js';
import { clipOf, type EncodeRecipe, pieceRecipe } from './encode-recipe.js';
import { rewrapClip } from './rewrap-clip.js';

/** Keeps encoded pieces from one cut to the next. */
export interface EncodedClips {
  /**
   * The file that `put` was given for this recipe and the same clips, one or two of them in playing order; undefined where
   * there is none.
   */
  get(clipNumbers: readonly number[], recipe: EncodeRecipe): Promise<string | undefined>;
  /** Keeps a copy of the file at `path`, which is gone after the cut. */
  put(clipNumbers: readonly number[], recipe: EncodeRecipe, path: string): Promise<void>;
}

export interface PieceFiles {
  /** The file of a clip, by its number. */
  inputOf: (clipNumber: number) => string;
  /** A folder for what is made; the caller removes it. */
  dir: string;
  encodedClips?: EncodedClips | undefined;
}

type PieceRun = RunLimits & { onProgress: (fraction: number) => void };

/**
 * The file whose picture is a piece of a plan: the clip's own, or one made from it. Throws what `encodePiece` and
 * `rewrapClip` throw.
 */
export async function makePiece(
  tools: MediaTools,
  plan: CutPlan,
  piece: Piece,
  files: PieceFiles,
  run: PieceRun,
): Promise<string> {
  const output = join(files.dir, `piece-${piece.firstFrame}.mp4`);
  if (piece.action === 'encode') return await encoded(tools, plan, piece, { ...files, output }, run);
  const { onProgress: _, ...limits } = run;
  return await copied(tools, plan, piece, { ...files, output }, limits);
}

async function copied(
  tools: MediaTools,
  plan: CutPlan,
  piece: CopiedPiece,
  { inputOf, output }: PieceFiles & { output: string },
  limits: RunLimits,
): Promise<string> {
  const clip = clipOf(plan, piece.clip);
  const input = inputOf(clip.number);
  if (clip.action === 'copy') return input;
  const part = clip.action === 'rewrap' ? undefined : piece;
  await rewrapClip(tools, plan, clip, { input, output }, limits, part);
  return output;
}

async function encoded(
  tools: MediaTools,
  plan: CutPlan,
  piece: EncodedPiece,
  { inputOf, output, encodedClips }: PieceFiles & { output: string },
  run: PieceRun,
): Promise<string> {
  const { onProgress, ...limits } = run;
  const recipe = pieceRecipe(plan, piece);
  const numbers = piece.sources.map(({ clip }) => clip);
  const kept = await encodedClips?.get(numbers, recipe);
  if (kept === undefined) {
    const inputs: EncodeInput[] = [];
    for (const source of piece.sources) {
      const clip = clipOf(plan, source.clip);
      const input = inputOf(clip.number);
      inputs.push({ clip, path: await fromKeyFrame(tools, plan, clip, source, { input, beside: output }, limits) });
    }
    const maxOutputBytes = mostEncodedBytes(plan.target, piece.frames);
    await encodePiece(tools, inputs, recipe, output, { ...run, maxOutputBytes });
    await encodedClips?.put(numbers, recipe, output);
  }
  onProgress(1);
  return kept ?? output;
}

/** The clip's frames from the key frame on at which its decoder begins. */
async function fromKeyFrame(
  tools: MediaTools,
  plan: CutPlan,
  clip: PlannedClip,
  { decodeFrom }: PieceSource,
  { input, beside }: { input: string; beside: string },
  limits: RunLimits,
): Promise<string> {
  if (decodeFrom === 0) return input;
  const output = `${beside}.from-${clip.number}.mp4`;
  await rewrapClip(tools, plan, clip, { input, output }, limits, {
    fromFrame: decodeFrom,
    frames: clip.frames - decodeFrom,
  });
  return output;
}
