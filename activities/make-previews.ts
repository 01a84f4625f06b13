import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MediaActivities } from '../domain/activity-contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { mediaVersion } from '../domain/media-version.js';
import { planSprites, spriteCues, takeSprites } from '../media/export/sprites.js';
import { LOOK_LIMIT_MS } from '../media/plan/run-limits.js';
import { probe } from '../media/probe/probe.js';
import type { BlobRef } from '../storage/blob-store.js';
import { setVideoPreviews } from '../storage/video-previews.js';
import type { ActivityDeps } from './deps.js';
import { keepFrame, keepPoster, type StoredVideo, withStoredVideo } from './stored-video.js';

/** All of a video is decoded for its sheet: 17 minutes of it take 2 on two cores. */
const SHEET_LIMIT_MS = 12 * 60_000;
const THUMBNAIL_WIDTH = 400;

/**
 * Makes what shows a video before it is played: its poster, its thumbnail, and the sprite sheet with its cues. Harmless
 * to repeat. Throws NOT_FOUND for a job without a video, and what the media functions throw.
 */
export function createMakePreviews(deps: ActivityDeps): MediaActivities['makePreviews'] {
  return ({ jobId }) =>
    withStoredVideo(deps, jobId, 'previews', async (video) => {
      // The poster is worth having also where the others fail.
      await keepPoster(deps, video);
      const thumbnail = await keepFrame(deps, video, 'thumbnail.jpg', THUMBNAIL_WIDTH);
      const { sprites, cues, pictures } = await keepSprites(deps, video);
      const ids = { thumbnailBlobId: thumbnail.id, spritesBlobId: sprites.id, cuesBlobId: cues.id };
      await setVideoPreviews(deps.knex, jobId, { ofVideoBlobId: video.videoBlobId, ...ids });
      return { pictures };
    });
}

async function keepSprites(
  { blobs, tools }: ActivityDeps,
  { jobId, durationSeconds, dir, path: input, signal }: StoredVideo,
): Promise<{ sprites: BlobRef; cues: BlobRef; pictures: number }> {
  const keep = (file: string, contentType: string): Promise<BlobRef> =>
    blobs.put(createReadStream(file), { contentType, signal });
  const { video } = await probe(tools, input, { signal, timeLimitMs: LOOK_LIMIT_MS });
  if (video === undefined)
    throw new ReelwrightError('INTERNAL', `expected the video of job ${jobId} to have a picture`);
  const plan = planSprites(video, durationSeconds);
  const output = join(dir, 'sprites.jpg');
  const { frameRate } = video;
  await takeSprites(tools, plan, { input, output, frameRate, signal, timeLimitMs: SHEET_LIMIT_MS });
  const sprites = await keep(output, 'image/jpeg');
  const list = join(dir, 'thumbnails.vtt');
  await writeFile(list, spriteCues(plan, `sprites.jpg?v=${mediaVersion(sprites.sha256)}`));
  return { sprites, cues: await keep(list, 'text/vtt'), pictures: plan.count };
}
