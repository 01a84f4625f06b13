import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CutPlan, PlannedClip } from './cut-plan.js';
import { type EncodeRecipe, encodeClip, encodeRecipe, rewrapClip } from './encode-clip.js';
import { concatScript, type Join, type JoinPart, joinArgs } from './join-args.js';
import type { MediaProbe } from './media-probe.js';
import type { MediaTools } from './media-tools.js';
import { proveAudible, proveJoin } from './prove-join.js';
import { fractionOf, runFfmpeg } from './run-ffmpeg.js';
import type { RunLimits } from './run-tool.js';
import { settleAll } from './settle.js';

/** Keeps encoded clips from one cut to the next. */
export interface EncodedClips {
  /** The file that `put` was given for this recipe and the same clip; undefined where there is none. */
  get(clipNumber: number, recipe: EncodeRecipe): Promise<string | undefined>;
  /** Keeps a copy of the file at `path`, which is gone after the cut. */
  put(clipNumber: number, recipe: EncodeRecipe, path: string): Promise<void>;
}

export interface RunCutOptions extends RunLimits {
  /** The file of each of the plan's clips: those that the plan was made from. */
  inputs: readonly { number: number; path: string }[];
  /** Where the proven result appears at once; what was there is replaced. On the same file system as `workDir`. */
  output: string;
  /** An existing folder for what is not proven yet. */
  workDir: string;
  /** Gets how much is done, 0 to 1; 1 when the result is proven. */
  onProgress?: ((fraction: number) => void) | undefined;
  encodedClips?: EncodedClips | undefined;
}

/** How long a frame takes to be joined and proven, against being encoded. */
const JOIN_SHARE = 0.05;
const LAST_SECONDS = 1;

/**
 * Runs a plan: encodes the clips that it says, one after the other since ffmpeg uses all cores, and joins all of them
 * into one faststart MP4. Pictures are joined by copy; sounds are fitted to their pictures and encoded once (AAC,
 * 192 kbit/s), never copied, since copied AAC drifts at every seam. Equal inputs give equal bytes.
 *
 * Leaves nothing behind but a proven output. Throws MEDIA_UNREADABLE naming the clip that cannot be used (`details.clip`),
 * CUT_WRONG when the result is not what was planned, FFMPEG_FAILED when ffmpeg fails or runs past its limit (which is for
 * each of its runs), the signal's reason when aborted.
 */
export async function runCut(tools: MediaTools, plan: CutPlan, options: RunCutOptions): Promise<MediaProbe> {
  const { inputs, output, workDir, onProgress, encodedClips, ...limits } = options;
  const paths = plan.clips.map((clip) => pathOf(clip, inputs));
  const dir = await mkdtemp(join(workDir, 'cut-'));
  try {
    const progress = workProgress(plan, onProgress);
    const parts: JoinPart[] = [];
    for (const [index, clip] of plan.clips.entries()) {
      const input = paths[index] ?? '';
      const onFraction = progress(clip.action === 'encode' ? clip.frames : 0);
      const run = { ...limits, onProgress: onFraction };
      const picture = await pictureOf(tools, plan, clip, { input, dir, encodedClips }, run);
      parts.push(partOf(clip, picture, input));
    }
    const unproven = join(dir, 'joined.mp4');
    const whole: Join = { parts, frameRate: plan.target.frameRate, sound: plan.sound };
    const onJoined = fractionOf(plan.durationSeconds, progress(plan.frames * JOIN_SHARE));
    const script = join(dir, 'clips.ffconcat');
    await writeFile(script, concatScript(whole), { mode: 0o600, flag: 'wx' });
    await runFfmpeg(tools, joinArgs(whole, script, unproven), { ...limits, onProgress: onJoined });
    const [joined] = await settleAll([
      proveJoin(tools, unproven, plan, limits),
      proveEnd(tools, plan, paths.at(-1) ?? '', unproven, limits),
    ]);
    await rename(unproven, output);
    onProgress?.(1);
    return joined;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function pathOf({ number }: PlannedClip, inputs: RunCutOptions['inputs']): string {
  const found = inputs.find((input) => input.number === number);
  if (found !== undefined) return found.path;
  throw new RangeError(
    `the file of clip ${number} was expected, got ${inputs.map((input) => input.number).join(', ')}`,
  );
}

/** The file whose picture goes into the join: the clip's own, or one made from it. */
async function pictureOf(
  tools: MediaTools,
  plan: CutPlan,
  clip: PlannedClip,
  files: { input: string; dir: string; encodedClips: EncodedClips | undefined },
  run: RunLimits & { onProgress: (fraction: number) => void },
): Promise<string> {
  const { input, dir, encodedClips } = files;
  const { onProgress, ...limits } = run;
  const output = join(dir, `clip-${clip.number}.mp4`);
  if (clip.action === 'copy') return input;
  if (clip.action === 'rewrap') {
    await rewrapClip(tools, plan, clip, { input, output }, limits);
    return output;
  }
  const recipe = encodeRecipe(plan, clip);
  const kept = await encodedClips?.get(clip.number, recipe);
  if (kept === undefined) {
    await encodeClip(tools, clip, recipe, { input, output }, run);
    await encodedClips?.put(clip.number, recipe, output);
  }
  onProgress(1);
  return kept ?? output;
}

function partOf({ firstFrame, frames, sound, source }: PlannedClip, picture: string, input: string): JoinPart {
  const { channels, pictureStartSeconds } = source;
  return {
    picture,
    firstFrame,
    frames,
    ...(sound === 'own' && { sound: { path: input, channels, pictureStartSeconds } }),
  };
}

/** A sound that is lost is mostly lost at the end. */
async function proveEnd(
  tools: MediaTools,
  plan: CutPlan,
  input: string,
  joined: string,
  limits: RunLimits,
): Promise<void> {
  const last = plan.clips.at(-1);
  if (last?.sound !== 'own') return;
  const seconds = Math.min(LAST_SECONDS, last.pictureSeconds);
  const { startSeconds, pictureStartSeconds } = last.source;
  const inClip = pictureStartSeconds - startSeconds + last.pictureSeconds - seconds;
  const own = { path: input, fromSeconds: inClip, seconds };
  await proveAudible(tools, own, { path: joined, fromSeconds: plan.durationSeconds - seconds, seconds }, limits);
}

/**
 * Turns the progress of steps, each of so many frames, into fractions of the whole. 1 is left for the caller to say.
 */
function workProgress(plan: CutPlan, onProgress: ((fraction: number) => void) | undefined) {
  const encoded = plan.clips.filter(({ action }) => action === 'encode');
  const total = encoded.reduce((sum, { frames }) => sum + frames, plan.frames * JOIN_SHARE);
  let before = 0;
  return (frames: number): ((fraction: number) => void) => {
    const from = before;
    before += frames;
    return (fraction) => onProgress?.(Math.min(0.99, (from + fraction * frames) / total));
  };
}
