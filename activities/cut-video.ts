import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Context } from '@temporalio/activity';
import type { MediaActivities } from '../domain/activity-contract.js';
import type { VideoJobInput } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { joinByCopy } from '../media/join-by-copy.js';
import { withWorkDir } from '../media/work-dir.js';
import { type ClipRecord, listClips } from '../storage/clips-repository.js';
import { moveJob } from '../storage/jobs-repository.js';
import type { ActivityDeps } from './deps.js';
import { withHeartbeat } from './heartbeat.js';
import { NOT_CANCELLED } from './required-rows.js';

/**
 * Joins a job's clips in their order, less those that were skipped, and stores the video with the job. Throws what
 * `joinByCopy` throws.
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
    const inputs: string[] = [];
    for (const clip of clips) {
      const path = join(dir, `clip-${clip.number}.mp4`);
      await pipeline(blobs.open(blobOf(clip)), createWriteStream(path), { signal });
      inputs.push(path);
    }
    const output = join(dir, 'video.mp4');
    const onProgress = (fraction: number): void => report({ joined: fraction });
    const { durationSeconds } = await joinByCopy(tools, { inputs, output, workDir: dir, signal, onProgress });
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
