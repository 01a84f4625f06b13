import type { CutPlan } from './cut-plan.js';

/** For a look at a file: starting a tool takes a fraction of a second, and reading a gigabyte some seconds. */
export const LOOK_LIMIT_MS = 120_000;

/** How much slower than usual a run may be before it is taken for stuck. All are milliseconds. */
export interface CutPace {
  /** What any run may take. */
  perRunMs: number;
  /** For each million pixels of a frame that is read or made anew. An ordinary machine takes a fortieth of it. */
  perMegapixelMs: number;
  /** For each frame that is copied. */
  perCopiedFrameMs: number;
}

const PACE: CutPace = { perRunMs: 120_000, perMegapixelMs: 1_000, perCopiedFrameMs: 20 };

/** How long the longest run of a tool in a cut may take, in milliseconds (`timeLimitMs`): by its work, generously. */
export function cutRunLimitMs({ clips, target, frames }: CutPlan, pace: CutPace = PACE): number {
  const made = clips.map(({ source, frames: own }) => {
    const pixels = source.width * source.height + target.width * target.height;
    return (own * pixels * pace.perMegapixelMs) / 1e6;
  });
  return Math.ceil(pace.perRunMs + Math.max(...made) + frames * pace.perCopiedFrameMs);
}
