import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Context } from '@temporalio/activity';
import type { MediaActivities } from '../domain/activity-contract.js';
import type { VideoJobInput } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { probeClips } from '../media/cut-clips.js';
import { planCut } from '../media/cut-plan.js';
import type { ClipProbe } from '../media/probe-clip.js';
import { runCut } from '../media/run-cut.js';
import { withWorkDir } from '../media/work-dir.js';
import { type ClipRecord, listClips } from '../storage/clips-repository.js';
import { moveJob } from '../storage/jobs-repository.js';
import type { ActivityDeps } from './deps.js';
import { encodedClipsOf } from './encoded-clips.js';
import { withHeartbeat } from './heartbeat.js';
import { NOT_CANCELLED } from './required-rows.js';

/**
 * Cuts a job's clips into its video, in their order and less those that were skipped: what fits is copied, what does not
 * is encoded. The plan and the video are stored with the job. Throws what `probeClips`, `planCut` and `runCut` throw.
 */
export function createCutVideo(deps: ActivityDeps): MediaActivities['cutVideo'] {
  return async (run) => {
    const clips = (await listClips(deps.knex, [run.jobId])).filter((clip) => clip.status !== 'skipped');
    await moveOn(deps, run, { status: 'composing' });
    return await withHeartbeat((report) => cut(deps, run, clips, report));
  };
}

async function cut(
  deps: ActivityDeps,
  run: VideoJobInput,
  clips: readonly ClipRecord[],
  report: (progress: unknown) => void,
): Promise<{ durationSeconds: number; sizeBytes: number }> {
  const { blobs, tools, workRoot } = deps;
  const signal = Context.current().cancellationSignal;
  return await withWorkDir(workRoot, 'cut', async (dir) => {
    const inputs: { number: number; path: string }[] = [];
    for (const clip of clips) {
      const path = join(dir, `clip-${clip.number}.mp4`);
      await pipeline(blobs.open(blobOf(clip)), createWriteStream(path), { signal });
      inputs.push({ number: clip.number, path });
    }
    const probes = await probeClips(tools, inputs, { signal });
    const plan = planCut(inputs.map(({ number }, index) => ({ number, probe: probes[index] as ClipProbe })));
    await moveOn(deps, run, { status: 'composing', cutPlan: plan });
    const output = join(dir, 'video.mp4');
    const { durationSeconds } = await runCut(tools, plan, {
      inputs,
      output,
      workDir: dir,
      encodedClips: encodedClipsOf(deps, clips, dir, signal),
      signal,
      onProgress: (fraction) => report({ cut: fraction }),
    });
    const { id: videoBlobId, size } = await blobs.put(createReadStream(output), { contentType: 'video/mp4', signal });
    await moveOn(deps, run, { status: 'composing', videoBlobId, durationSeconds });
    return { durationSeconds, sizeBytes: size };
  });
}

function blobOf(clip: ClipRecord): string {
  if (clip.blobId !== null) return clip.blobId;
  throw new ReelwrightError('INTERNAL', `expected clip ${clip.number} to be stored, it is ${clip.status}`);
}

async function moveOn(
  { knex }: ActivityDeps,
  run: VideoJobInput,
  change: Parameters<typeof moveJob>[3],
): Promise<void> {
  if (await moveJob(knex, run, NOT_CANCELLED, change)) return;
  throw new ReelwrightError('WRONG_STATE', `job ${run.jobId} was cancelled or is run again: its video is not stored`);
}
