import { inputArgs } from '../ffmpeg/input-args.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import { runFfmpeg } from '../ffmpeg/run-ffmpeg.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { wideColours } from '../plan/clip-format.js';
import type { CutPlan, PlannedClip } from '../plan/cut-plan.js';
import { type Stretch, type StretchLook, steadied, stretchFinder, without } from './still-or-black.js';

/**
 * A result is judged strictly, and the clip it was made of leniently: encoding smooths fine grain away, and scaling and
 * other colours move what is nearly black.
 */
const RESULT: StretchLook = { blackShare: 0.98, blackLevel: 0.1, stillness: 0.0003, frozenSeconds: 1 };
const CLIP: StretchLook = { blackShare: 0.96, blackLevel: 0.15, stillness: 0.006, frozenSeconds: 0.25 };
/** What is dark to an ordinary screen has higher numbers where brightness goes beyond it. */
const WIDE_BLACK_LEVEL = 0.35;
/** Shorter ones are flashes, or come of rounding at the edges of what the clip has. */
const LEAST_SECONDS = { black: 0.25, frozen: 0.5 };
/** Rates that are changed move an edge by a frame, and fades are black for some frames around their middle. */
const EDGE_SECONDS = 0.1;

/** Finds stretches in a part of a result, as `stretchFinder` does in what it is given. */
export function resultFinder({ target }: CutPlan): ReturnType<typeof stretchFinder> {
  return stretchFinder(target.frameRate, RESULT);
}

/**
 * The first of the stretches, in seconds of the result, that neither the clips have that lie there nor a planned fade
 * explains; undefined where all are explained. Clips are decoded only where there is something to explain. Throws
 * FFMPEG_FAILED, the signal's reason when aborted.
 */
export async function unexplained(
  tools: MediaTools,
  plan: CutPlan,
  stretches: readonly Stretch[],
  inputs: readonly { number: number; path: string }[],
  limits: RunLimits,
): Promise<(Stretch & { clip: number }) | undefined> {
  const long = stretches.filter((stretch) => isLong(stretch));
  const own = new Map<number, Stretch[]>();
  for (const stretch of long) {
    let left = without(stretch, fades(plan));
    for (const clip of plan.clips.filter((one) => touches(one, stretch))) {
      const path = inputs.find(({ number }) => number === clip.number)?.path;
      if (path === undefined) throw new RangeError(`the file of clip ${clip.number} was expected`);
      const seen = own.get(clip.number) ?? (await stretchesOfClip(tools, plan, clip, path, limits));
      own.set(clip.number, seen);
      const alike = seen.filter(({ kind }) => kind === stretch.kind);
      left = left.flatMap((piece) => without(piece, alike));
    }
    const [first] = left.filter(isLong);
    if (first === undefined) continue;
    const middle = (first.from + first.to) / 2;
    const clip = plan.clips.findLast(({ beginSeconds }) => beginSeconds <= middle)?.number ?? 0;
    return { ...first, clip };
  }
  return undefined;
}

function isLong({ kind, from, to }: Stretch): boolean {
  return to - from >= LEAST_SECONDS[kind];
}

function touches({ beginSeconds, pictureSeconds }: PlannedClip, { from, to }: Stretch): boolean {
  return beginSeconds < to && from < beginSeconds + pictureSeconds;
}

function fades({ seams = [], target: { frameRate } }: CutPlan): { from: number; to: number }[] {
  const at = (frame: number): number => (frame * frameRate.den) / frameRate.num;
  return seams
    .filter(({ kind }) => kind === 'fade')
    .map(({ firstFrame, frames }) => ({
      from: at(firstFrame) - EDGE_SECONDS,
      to: at(firstFrame + frames) + EDGE_SECONDS,
    }));
}

/** In seconds of the result, a little longer than they are. */
async function stretchesOfClip(
  tools: MediaTools,
  plan: CutPlan,
  clip: PlannedClip,
  path: string,
  limits: RunLimits,
): Promise<Stretch[]> {
  const { frameRate, width, height } = plan.target;
  // Bars are black: of a picture between them less may be, and the result's frame still is.
  const share = clip.placed === undefined ? 1 : (clip.placed.width * clip.placed.height) / (width * height);
  const blackShare = Math.max(0, CLIP.blackShare - (1 - RESULT.blackShare) * (1 / share - 1));
  const blackLevel = wideColours(clip.source.colour) === undefined ? CLIP.blackLevel : WIDE_BLACK_LEVEL;
  const finder = stretchFinder(frameRate, { ...CLIP, blackShare, blackLevel });
  const look = ['-map', '0:V:0', '-vf', `${steadied(frameRate)},${finder.filter}`, '-f', 'null', '-'];
  const args = [...inputArgs(path), ...look];
  await runFfmpeg(tools, args, { ...limits, onValue: finder.onValue });
  // The last frame may be shown for long.
  const held: Stretch = {
    kind: 'frozen',
    from: clip.pictureSeconds - clip.source.lastFrameSeconds,
    to: clip.pictureSeconds,
  };
  const begin = clip.beginSeconds;
  return [...finder.stretches(clip.pictureSeconds), held].map(({ kind, from, to }) => ({
    kind,
    from: begin + from - EDGE_SECONDS,
    to: begin + to + EDGE_SECONDS,
  }));
}
