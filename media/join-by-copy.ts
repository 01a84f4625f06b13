import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ReelwrightError } from '../domain/errors.js';
import { type ClipDifference, whatDiffers } from './alike.js';
import { concatScript, type JoinClip, joinArgs } from './join-args.js';
import type { MediaProbe, VideoStream } from './media-probe.js';
import type { MediaTools } from './media-tools.js';
import { probe } from './probe.js';
import { proveJoin } from './prove-join.js';
import { fractionOf, runFfmpeg } from './run-ffmpeg.js';
import type { RunLimits } from './run-tool.js';

export interface JoinOptions extends RunLimits {
  /** The clips' paths, in playing order; at least one. */
  inputs: readonly string[];
  /** Where the proven result appears at once; what was there is replaced. On the same file system as `workDir`. */
  output: string;
  /** An existing folder for the unproven result. */
  workDir: string;
  /** Gets how much is done, 0 to 1; 1 when the result is proven. */
  onProgress?: ((fraction: number) => void) | undefined;
}

/**
 * Joins clips that are alike into one faststart MP4. Pictures are copied; sounds are fitted to their pictures and
 * encoded once (AAC, 192 kbit/s), never copied, since copied AAC drifts at every seam. Equal inputs give equal bytes.
 *
 * Leaves nothing behind but a proven output. Throws CLIPS_DIFFER when the clips are not alike (`details.differences`),
 * MEDIA_UNREADABLE for an input that is no video, CUT_WRONG when the result is not what the clips make, FFMPEG_FAILED
 * when ffmpeg fails or runs past its limit, the signal's reason when aborted.
 */
export async function joinByCopy(tools: MediaTools, options: JoinOptions): Promise<MediaProbe> {
  const { inputs, output, workDir, onProgress, ...limits } = options;
  if (inputs.length === 0) throw new RangeError('at least one clip to join was expected, got none');
  const probes: MediaProbe[] = [];
  for (const input of inputs) probes.push(await probe(tools, input, limits));
  const videos = probes.map((seen, index) => requireVideo(seen, index + 1));
  refuseDifferences(whatDiffers(probes));

  const clips = probes.map((seen, index): JoinClip => {
    const path = inputs[index] ?? '';
    const pictureSeconds = videos[index]?.durationSeconds ?? 0;
    return { path, pictureSeconds, startSeconds: seen.startSeconds, sampleRate: seen.audio?.sampleRate };
  });
  const name = join(workDir, `join-${randomUUID()}`);
  const script = `${name}.ffconcat`;
  const unproven = `${name}.mp4`;
  try {
    await writeFile(script, concatScript(clips), { mode: 0o600, flag: 'wx' });
    const totalSeconds = clips.reduce((total, clip) => total + clip.pictureSeconds, 0);
    const onJoined = fractionOf(totalSeconds, onProgress);
    await runFfmpeg(tools, joinArgs(clips, script, unproven), { ...limits, onProgress: onJoined });
    const joined = await proveJoin(tools, unproven, { videos, hasSound: probes[0]?.audio !== undefined }, limits);
    await rename(unproven, output);
    onProgress?.(1);
    return joined;
  } finally {
    await Promise.all([script, unproven].map((path) => rm(path, { force: true })));
  }
}

function requireVideo(seen: MediaProbe, clip: number): VideoStream {
  if (seen.video !== undefined) return seen.video;
  throw new ReelwrightError(
    'MEDIA_UNREADABLE',
    `clip ${clip} was expected to have a video stream, and has only sound`,
    {
      details: { clip },
    },
  );
}

function refuseDifferences(differences: readonly ClipDifference[]): void {
  const [first, ...others] = differences;
  if (first === undefined) return;
  const { clip, property, expected, seen } = first;
  const more = others.length === 0 ? '' : ` (and ${others.length} more differences)`;
  throw new ReelwrightError(
    'CLIPS_DIFFER',
    `clip ${clip} was expected to have the ${property} of clip 1, ${expected}; seen: ${seen}${more}`,
    { details: { differences } },
  );
}
