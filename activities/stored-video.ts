/** What the activities share that look at a job's finished video. */
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Context } from '@temporalio/activity';
import { ReelwrightError } from '../domain/errors.js';
import { takePoster } from '../media/export/poster.js';
import { withWorkDir } from '../media/ffmpeg/work-dir.js';
import { LOOK_LIMIT_MS } from '../media/plan/run-limits.js';
import type { BlobRef } from '../storage/blob-store.js';
import { setPoster } from '../storage/job-moves.js';
import { findJobRow } from '../storage/jobs-repository.js';
import type { ActivityDeps } from './deps.js';
import { withHeartbeat } from './heartbeat.js';

/** A job's video as a file of a folder that is removed afterwards. */
export interface StoredVideo {
  jobId: string;
  videoBlobId: string;
  durationSeconds: number;
  dir: string;
  path: string;
  signal: AbortSignal;
}

const POSTER_WIDTH = 1280;
/** Where a clip has found its picture, or the middle of a shorter video. */
const AT_SECONDS = 1;

/** Runs `work` on a job's video, with heartbeats. Throws NOT_FOUND for a job without one, and what `work` throws. */
export async function withStoredVideo<T>(
  { knex, blobs, workRoot }: ActivityDeps,
  jobId: string,
  purpose: string,
  work: (video: StoredVideo) => Promise<T>,
): Promise<T> {
  const { videoBlobId, durationSeconds } = (await findJobRow(knex, jobId)) ?? {};
  if (videoBlobId == null || durationSeconds == null) {
    throw new ReelwrightError('NOT_FOUND', `expected job ${jobId} to have a video, found none`);
  }
  return await withHeartbeat(async () => {
    const signal = Context.current().cancellationSignal;
    return await withWorkDir(workRoot, purpose, async (dir) => {
      const path = join(dir, 'video.mp4');
      await pipeline(blobs.open(videoBlobId), createWriteStream(path), { signal });
      return await work({ jobId, videoBlobId, durationSeconds, dir, path, signal });
    });
  });
}

/** Keeps a frame of the video as a JPEG that is at most `maxWidth` pixels wide. Throws what `takePoster` throws. */
export async function keepFrame(
  { blobs, tools }: Pick<ActivityDeps, 'blobs' | 'tools'>,
  { dir, path, durationSeconds, signal }: StoredVideo,
  name: string,
  maxWidth: number,
): Promise<BlobRef> {
  const output = join(dir, name);
  const atSeconds = Math.min(AT_SECONDS, durationSeconds / 2);
  await takePoster(tools, { input: path, output, atSeconds, maxWidth, signal, timeLimitMs: LOOK_LIMIT_MS });
  return await blobs.put(createReadStream(output), { contentType: 'image/jpeg', signal });
}

/** Keeps a frame of the video as its job's poster. */
export async function keepPoster(deps: ActivityDeps, video: StoredVideo): Promise<BlobRef> {
  const poster = await keepFrame(deps, video, 'poster.jpg', POSTER_WIDTH);
  await setPoster(deps.knex, video.jobId, { posterBlobId: poster.id, ofVideoBlobId: video.videoBlobId });
  return poster;
}
