import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireDiskRoom } from '../ffmpeg/disk-room.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import { fractionOf } from '../ffmpeg/run-ffmpeg.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { settleAll } from '../ffmpeg/settle.js';
import { bytesNeededFor } from '../plan/bytes-needed.js';
import type { CutPlan, PlannedClip } from '../plan/cut-plan.js';
import { piecesOf } from '../plan/plan-pieces.js';
import { framesOfEach, type Seam } from '../plan/plan-seams.js';
import { cutRunLimitMs } from '../plan/run-limits.js';
import type { MediaProbe } from '../probe/media-probe.js';
import type { JoinPart, SoundFade } from './clips-sound.js';
import { concatScript, type Join, type JoinPicture } from './join-args.js';
import { leastGainDb } from './loudness.js';
import { type EncodedClips, makePiece } from './make-piece.js';
import { mixMusic } from './music-mix.js';
import { levelOf, proveJoin, requireAudible, type SoundPart } from './prove-join.js';
import { proveMusic } from './prove-music.js';
import { writeJoin } from './write-join.js';

export interface RunCutOptions extends RunLimits {
  /** The file of each of the plan's clips: those that the plan was made from. */
  inputs: readonly { number: number; path: string }[];
  /** The music file that the plan was made from, where it has music. */
  music?: { path: string } | undefined;
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
 * Runs a plan: encodes the clips and seams that it says, one after the other since ffmpeg uses all cores, and joins all
 * into one faststart MP4. Pictures are joined by copy; sounds are fitted to their pictures and encoded once (AAC,
 * 192 kbit/s), never copied, since copied AAC drifts at every seam. Music is mixed with them, and only then is the sound
 * brought to a set loudness. Equal inputs give equal bytes.
 *
 * Leaves nothing behind but a proven output. Throws MEDIA_UNREADABLE naming the clip that cannot be used (`details.clip`)
 * or the music (`details.music`), CUT_WRONG when the result is not what was planned, FFMPEG_FAILED when ffmpeg fails or
 * runs past its limit (which is for each of its runs), the signal's reason when aborted.
 */
export async function runCut(tools: MediaTools, plan: CutPlan, options: RunCutOptions): Promise<MediaProbe> {
  const { inputs, music, output, workDir, onProgress, encodedClips, ...given } = options;
  const limits = { ...given, timeLimitMs: given.timeLimitMs ?? cutRunLimitMs(plan) };
  requireMusic(plan, music);
  const paths = plan.clips.map(({ number }) => pathOf(number, inputs));
  const maxOutputBytes = await bytesNeededFor(plan, inputs);
  await requireDiskRoom(workDir, maxOutputBytes);
  const dir = await mkdtemp(join(workDir, 'cut-'));
  try {
    const progress = workProgress(plan, onProgress);
    const pictures: JoinPicture[] = [];
    for (const piece of piecesOf(plan)) {
      const onFraction = progress(piece.action === 'encode' ? piece.frames : 0);
      const inputOf = (number: number): string => pathOf(number, inputs);
      const run = { ...limits, onProgress: onFraction };
      const path = await makePiece(tools, plan, piece, { inputOf, dir, encodedClips }, run);
      pictures.push({ path, firstFrame: piece.firstFrame, frames: piece.frames });
    }
    const parts = plan.clips.map((clip, index) => partOf(plan, clip, index, paths[index] ?? ''));
    const unproven = join(dir, 'joined.mp4');
    const clips: Join = { pictures, parts, frameRate: plan.target.frameRate, sound: plan.sound };
    const scored = plan.music && music && { plan, music: plan.music, musicPath: music.path };
    const mix = scored && (await mixMusic(tools, { ...scored, clips, dir }, limits));
    const whole: Join = { ...clips, mixed: mix };
    const onJoined = fractionOf(plan.durationSeconds, progress(plan.frames * JOIN_SHARE));
    const script = join(dir, 'clips.ffconcat');
    await writeFile(script, concatScript(whole), { mode: 0o600, flag: 'wx' });
    const end = heardEnd(plan, paths.at(-1) ?? '', unproven);
    const levelOfPart = async (part: SoundPart | undefined): Promise<number | undefined> =>
      part && (await levelOf(tools, part, limits));
    const [, ownLevel] = await settleAll([
      writeJoin(tools, whole, { script, output: unproven }, { ...limits, maxOutputBytes, onProgress: onJoined }),
      levelOfPart(end?.own),
    ]);
    const [joined, endLevel] = await settleAll([
      proveJoin(tools, unproven, plan, { ...limits, inputs }),
      levelOfPart(end?.joined),
      scored && mix ? proveMusic(tools, unproven, { ...scored, mix }, limits) : Promise.resolve(),
    ]);
    if (end && ownLevel !== undefined && endLevel !== undefined) {
      requireAudible(ownLevel + (mix ? leastGainDb(mix.levelling) : 0), endLevel, end.joined.seconds);
    }
    await rename(unproven, output);
    onProgress?.(1);
    return joined;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function requireMusic({ music }: CutPlan, given: RunCutOptions['music']): void {
  const [planned, got] = [music, given].map((one) => (one === undefined ? 'none' : 'one'));
  if (planned !== got) throw new RangeError(`the plan's music file was expected (${planned}), got ${got}`);
}

function pathOf(number: number, inputs: RunCutOptions['inputs']): string {
  const found = inputs.find((input) => input.number === number);
  if (found !== undefined) return found.path;
  throw new RangeError(
    `the file of clip ${number} was expected, got ${inputs.map((input) => input.number).join(', ')}`,
  );
}

function partOf({ seams = [] }: CutPlan, clip: PlannedClip, index: number, path: string): JoinPart {
  const { firstFrame, frames, sound, source } = clip;
  const [fadeIn, fadeOut] = [soundFade(seams[index - 1]), soundFade(seams[index])];
  const { channels, pictureStartSeconds } = source;
  return {
    firstFrame,
    frames,
    ...(sound === 'own' && { sound: { path, channels, pictureStartSeconds } }),
    ...(fadeIn && { fadeIn }),
    ...(fadeOut && { fadeOut }),
  };
}

/** Two clips' sounds are unlike: curves of equal power keep the level where they cross. */
function soundFade(seam: Seam | undefined): SoundFade | undefined {
  const frames = framesOfEach(seam);
  return frames === 0 ? undefined : { frames, curve: seam?.kind === 'crossfade' ? 'qsin' : 'tri' };
}

/**
 * The last sound of the last clip and where it lies in the result, since a sound that is lost is mostly lost at the end;
 * undefined where that clip's own sound is not in it.
 */
function heardEnd(plan: CutPlan, input: string, joined: string): { own: SoundPart; joined: SoundPart } | undefined {
  const last = plan.clips.at(-1);
  if (last?.sound !== 'own') return undefined;
  const seconds = Math.min(LAST_SECONDS, last.pictureSeconds);
  const { startSeconds, pictureStartSeconds } = last.source;
  const inClip = pictureStartSeconds - startSeconds + last.pictureSeconds - seconds;
  return {
    own: { path: input, fromSeconds: inClip, seconds },
    joined: { path: joined, fromSeconds: plan.durationSeconds - seconds, seconds },
  };
}

/**
 * Turns the progress of steps, each of so many frames, into fractions of the whole. 1 is left for the caller to say.
 */
function workProgress(plan: CutPlan, onProgress: ((fraction: number) => void) | undefined) {
  const encoded = piecesOf(plan).filter(({ action }) => action === 'encode');
  const total = encoded.reduce((sum, { frames }) => sum + frames, plan.frames * JOIN_SHARE);
  let before = 0;
  return (frames: number): ((fraction: number) => void) => {
    const from = before;
    before += frames;
    return (fraction) => onProgress?.(Math.min(0.99, (from + fraction * frames) / total));
  };
}
