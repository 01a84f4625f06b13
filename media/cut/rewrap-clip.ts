import { fileUrl, inputArgs } from '../ffmpeg/input-args.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import { runFfmpeg } from '../ffmpeg/run-ffmpeg.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { lastWords, leftWithFailure } from '../ffmpeg/tool-errors.js';
import type { CutPlan, PlannedClip } from '../plan/cut-plan.js';
import { unusable } from '../probe/probe-clip.js';

/**
 * Puts a clip's picture, or frames of it, unchanged into a container of its own: alone, beginning at 0, with the target's
 * time base. The first of the frames and the one behind the last have to be places to cut (`FrameScan.keyFrames`). Errors as
 * `encodePiece`.
 */
export async function rewrapClip(
  tools: MediaTools,
  plan: CutPlan,
  clip: PlannedClip,
  files: { input: string; output: string },
  limits: RunLimits = {},
  part?: { fromFrame: number; frames: number },
): Promise<void> {
  // By their places in the file and not by times, to which containers differ in how they seek.
  const taken = part && `noise=drop='not(between(n,${part.fromFrame},${part.fromFrame + part.frames - 1}))'`;
  const toZero = 'setts=pts=PTS-STARTPTS:dts=DTS-STARTPTS';
  const copy = ['-map', '0:V:0', '-c', 'copy', '-bsf:v', taken === undefined ? toZero : `${taken},${toZero}`];
  const clock = ['-video_track_timescale', String(plan.target.timeBase.den), '-f', 'mp4', fileUrl(files.output)];
  await runFfmpeg(tools, [...inputArgs(files.input), ...copy, ...clock], limits).catch((error: unknown) => {
    if (!leftWithFailure(error)) throw error;
    const said = lastWords(String(error.details?.['stderr']));
    throw unusable(clip.number, 'to be copyable into a new container', `was not: ${said}`, error);
  });
}
