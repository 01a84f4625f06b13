import { createReadStream, createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Context } from '@temporalio/activity';
import type { MediaActivities } from '../domain/activity-contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { mediaVersion } from '../domain/media-version.js';
import { takePoster } from '../media/export/poster.js';
import { planSprites, spriteCues, takeSprites } from '../media/export/sprites.js';
import { withWorkDir } from '../media/ffmpeg/work-dir.js';
import { LOOK_LIMIT_MS } from '../media/plan/run-limits.js';
import { probe } from '../media/probe/probe.js';
import type { BlobRef } from '../storage/blob-store.js';
import { findJob, setPoster } from '../storage/jobs-repository.js';
import { setVideoPreviews } from '../storage/video-previews.js';
import type { ActivityDeps } from './deps.js';
import { withHeartbeat } from './heartbeat.js';

const POSTER_WIDTH = 1280;
/** All of a video is decoded for its sheet: 17 minutes of it take 2 on two cores. */
const SHEET_LIMIT_MS = 12 * 60_000;
const THUMBNAIL_WIDTH = 400;
/** Where a clip has found its picture, or the middle of a shorter video. */
const AT_SECONDS = 1;

/**
 * Makes what shows a video before it is played: its poster, its thumbnail, and the sprite sheet with its cues. Harmless
 * to repeat. Throws NOT_FOUND for a job without a video, and what the media functions throw.
 */
export function createMakePreviews(deps: ActivityDeps): MediaActivities['makePreviews'] {
  const { knex, blobs, tools, workRoot } = deps;
  return async ({ jobId }) => {
    const { videoBlobId, durationSeconds } = (await findJob(knex, jobId)) ?? {};
    if (videoBlobId == null || durationSeconds == null) {
      throw new ReelwrightError('NOT_FOUND', `expected job ${jobId} to have a video, found none`);
    }
    return await withHeartbeat(async () => {
      const signal = Context.current().cancellationSignal;
      return await withWorkDir(workRoot, 'previews', async (dir) => {
        const input = join(dir, 'video.mp4');
        await pipeline(blobs.open(videoBlobId), createWriteStream(input), { signal });
        const keep = (file: string, contentType: string): Promise<BlobRef> =>
          blobs.put(createReadStream(file), { contentType, signal });
        const frame = async (name: string, maxWidth: number): Promise<BlobRef> => {
          const output = join(dir, name);
          const atSeconds = Math.min(AT_SECONDS, durationSeconds / 2);
          await takePoster(tools, { input, output, atSeconds, maxWidth, signal, timeLimitMs: LOOK_LIMIT_MS });
          return await keep(output, 'image/jpeg');
        };

        // The poster is worth having also where the others fail.
        const poster = await frame('poster.jpg', POSTER_WIDTH);
        await setPoster(knex, jobId, { posterBlobId: poster.id, ofVideoBlobId: videoBlobId });

        const thumbnail = await frame('thumbnail.jpg', THUMBNAIL_WIDTH);
        const { video } = await probe(tools, input, { signal, timeLimitMs: LOOK_LIMIT_MS });
        if (video === undefined)
          throw new ReelwrightError('INTERNAL', `expected the video of job ${jobId} to have a picture`);
        const plan = planSprites(video, durationSeconds);
        const sheet = join(dir, 'sprites.jpg');
        await takeSprites(tools, plan, {
          input,
          output: sheet,
          frameRate: video.frameRate,
          signal,
          timeLimitMs: SHEET_LIMIT_MS,
        });
        const sprites = await keep(sheet, 'image/jpeg');
        const list = join(dir, 'thumbnails.vtt');
        await writeFile(list, spriteCues(plan, `sprites.jpg?v=${mediaVersion(sprites.sha256)}`));
        const cues = await keep(list, 'text/vtt');
        const ids = { thumbnailBlobId: thumbnail.id, spritesBlobId: sprites.id, cuesBlobId: cues.id };
        await setVideoPreviews(knex, jobId, { ofVideoBlobId: videoBlobId, ...ids });
        return { pictures: plan.count };
      });
    });
  };
}
