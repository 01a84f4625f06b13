import { ReelwrightError } from '../../domain/errors.js';
import { inputArgs } from '../ffmpeg/input-args.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import { formatRational } from '../ffmpeg/rational.js';
import { runFfmpeg } from '../ffmpeg/run-ffmpeg.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { settleAll } from '../ffmpeg/settle.js';
import { lastWords, leftWithFailure } from '../ffmpeg/tool-errors.js';
import type { CutPlan } from '../plan/cut-plan.js';
import { type Piece, piecesOf } from '../plan/plan-pieces.js';
import type { MediaProbe } from '../probe/media-probe.js';
import { probeFrames } from '../probe/probe-frames.js';
import { meanLevel } from '../probe/sound-level.js';
import { isFaststart } from '../probe/top-level-boxes.js';
import { resultFinder, unexplained } from './prove-lively.js';

/** An AAC frame: encoders fill the last one up, so a sound may be this much longer than asked. */
const AAC_FRAME_SAMPLES = 1024;
/** What is heard at all, and how much encoding and mixing down to two channels may take from it. */
const AUDIBLE_DBFS = -60;
const LEVEL_SLACK_DB = 15;
/** Frames after a seam: past those that the decoder holds back to sort them. */
const FRAMES_AFTER_SEAM = 24;

/**
 * Proves that a joined file is what its plan says: the format, as long as planned within one frame for each clip, all
 * frames, sound where it is planned and to the end, playable before it is fetched in full, and decodable wherever other
 * decoder settings begin or a clip was encoded. What is decoded is neither black nor frozen unless the clips are (their
 * files are the `inputs`) or a fade is planned. Clips that were copied one behind the other with equal settings are not
 * decoded again. Throws CUT_WRONG with what was expected and seen.
 */
export async function proveJoin(
  tools: MediaTools,
  path: string,
  plan: CutPlan,
  { inputs, ...limits }: RunLimits & { inputs: readonly { number: number; path: string }[] },
): Promise<MediaProbe> {
  const { seen, scanOf } = await probeFrames(tools, path, { ...limits, withSetup: false });
  if (seen.video === undefined) throw wrong('a picture', 'none');
  const { codec, width, height, pixelFormat, frameRate } = plan.target;
  const frameSeconds = frameRate.den / frameRate.num;
  const slackSeconds = plan.clips.length * frameSeconds;
  expectSeconds('picture', plan.durationSeconds, seen.video.durationSeconds, slackSeconds);
  expectEqual('codec', codec, seen.video.codec);
  expectEqual('size', `${width}x${height}`, `${seen.video.width}x${seen.video.height}`);
  expectEqual('pixel format', pixelFormat, seen.video.pixelFormat);
  const scan = scanOf({ ...seen.video, frameRate });
  expectEqual('frames', plan.frames, scan.frames);
  const off = Math.max(scan.offSeconds, Math.abs(scan.startSeconds));
  if (off > frameSeconds / 4) {
    throw wrong(`every frame in its place at ${formatRational(frameRate)} a second`, `one ${off.toFixed(3)} s off`);
  }
  const planned = plan.sound === undefined ? 'no sound' : 'sound';
  if ((seen.audio === undefined ? 'no sound' : 'sound') !== planned)
    throw wrong(planned, seen.audio ? 'sound' : 'none');
  if (seen.audio) {
    const soundSlack = slackSeconds + AAC_FRAME_SAMPLES / seen.audio.sampleRate;
    expectSeconds('sound', plan.durationSeconds, seen.audio.durationSeconds, soundSlack);
  }
  if (!(await isFaststart(path))) throw wrong('the index before the media (faststart)', 'it behind or missing');
  for (const part of partsToDecode(plan)) await proveDecodes(tools, path, plan, part, { inputs, ...limits });
  return seen;
}

/** Where a part of a file's sound lies, in seconds from the file's beginning. */
export interface SoundPart {
  path: string;
  fromSeconds: number;
  seconds: number;
}

/**
 * Proves that what can be heard in a part of a clip can be heard in the part of the joined file that it became, where it
 * was made louder by `gainDb`. Throws CUT_WRONG.
 */
export async function proveAudible(
  tools: MediaTools,
  clip: SoundPart,
  joined: SoundPart,
  limits: RunLimits,
  gainDb = 0,
): Promise<void> {
  const [own, heard] = await settleAll([levelOf(tools, clip, limits), levelOf(tools, joined, limits)]);
  requireAudible(own + gainDb, heard, joined.seconds);
}

/** The mean level of a part in dBFS; -Infinity where there is no sound. Errors as `runTool`. */
export async function levelOf(tools: MediaTools, part: SoundPart, limits: RunLimits): Promise<number> {
  return await meanLevel(tools, part.path, part, limits);
}

/** Throws CUT_WRONG where the last `seconds` of a result are much less loud than is wanted, both as levels in dBFS. */
export function requireAudible(wanted: number, heard: number, seconds: number): void {
  if (wanted < AUDIBLE_DBFS || heard >= wanted - LEVEL_SLACK_DB) return;
  throw wrong(
    `sound at ${wanted.toFixed(1)} dBFS in its last ${seconds} s (within ${LEVEL_SLACK_DB} dB)`,
    `${heard} dBFS`,
  );
}

/** Frames of the result: the first one, and the one behind the last. */
interface Part {
  from: number;
  to: number;
}

/** The encoded pieces, and each border between unlike decoder settings from the key frame before it. */
export function partsToDecode(plan: CutPlan): Part[] {
  const pieces = piecesOf(plan);
  const setupOf = (piece: Piece): string | undefined =>
    piece.action === 'encode' ? 'encoded' : plan.clips.find(({ number }) => number === piece.clip)?.source.setup;
  const parts = pieces.flatMap((piece, index): Part[] => {
    const { firstFrame: from, frames } = piece;
    const before = pieces[index - 1];
    const differs = before !== undefined && setupOf(before) !== setupOf(piece);
    const keyFrame = before?.action === 'copy' ? before.lastKeyFrame : before?.firstFrame;
    return [
      ...(differs ? [{ from: keyFrame ?? 0, to: from + Math.min(frames, FRAMES_AFTER_SEAM) }] : []),
      ...(piece.action === 'encode' ? [{ from, to: from + frames }] : []),
    ];
  });
  const merged: Part[] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    if (last !== undefined && part.from <= last.to) last.to = Math.max(last.to, part.to);
    else merged.push({ ...part });
  }
  return merged;
}

async function proveDecodes(
  tools: MediaTools,
  path: string,
  plan: CutPlan,
  { from, to }: Part,
  { inputs, ...limits }: Parameters<typeof proveJoin>[3],
): Promise<void> {
  const { frameRate } = plan.target;
  const secondsOf = (frame: number): number => (frame * frameRate.den) / frameRate.num;
  // A quarter of a frame late, so that rounding cannot lead to the key frame before.
  const seek = from === 0 ? [] : ['-noaccurate_seek', '-ss', secondsOf(from + 0.25).toFixed(6)];
  const finder = resultFinder(plan);
  const look = ['-map', '0:v:0', '-vf', finder.filter, '-frames:v', `${to - from}`, '-f', 'null', '-'];
  const args = ['-xerror', ...seek, ...inputArgs(path), ...look];
  const where = `frames ${from} to ${to - 1} that decode`;
  const run = { ...limits, onValue: finder.onValue };
  const decoded = await runFfmpeg(tools, args, run).catch((error: unknown) => {
    if (!leftWithFailure(error)) throw error;
    throw wrong(where, lastWords(String(error.details?.['stderr'])), error);
  });
  if (decoded.frames !== to - from) throw wrong(where, `${decoded.frames} frames`);
  const inResult = (seconds: number): number => secondsOf(from) + seconds;
  const stretches = finder.stretches(secondsOf(to - from)).map((stretch) => ({
    ...stretch,
    from: inResult(stretch.from),
    to: inResult(stretch.to),
  }));
  const strange = await unexplained(tools, plan, stretches, inputs, limits);
  if (strange === undefined) return;
  const span = `from ${strange.from.toFixed(2)} to ${strange.to.toFixed(2)} s`;
  throw wrong(`the picture of clip ${strange.clip} ${span}`, `a ${strange.kind} one, which the clip does not have`);
}

function expectSeconds(what: string, expected: number, seen: number, slack: number): void {
  if (Math.abs(seen - expected) <= slack) return;
  throw wrong(`${what} of ${expected.toFixed(3)} s (within ${slack.toFixed(3)} s)`, `${seen.toFixed(3)} s`);
}

function expectEqual(what: string, expected: number | string, seen: number | string | undefined): void {
  if (seen === expected) return;
  throw wrong(`${what}: ${expected}`, `${seen ?? 'none stated'}`);
}

/** That the joined file is not what was planned. */
export function wrong(expected: string, seen: string, cause?: unknown): ReelwrightError {
  return new ReelwrightError('CUT_WRONG', `the joined video was expected to have ${expected}; seen: ${seen}`, {
    cause,
    details: { expected, seen },
  });
}
