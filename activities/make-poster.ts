import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Context } from '@temporalio/activity';
import type { MediaActivities } from '../domain/activity-contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { takePoster } from '../media/export/poster.js';
import { withWorkDir } from '../media/ffmpeg/work-dir.js';
import { findJob, setPoster } from '../storage/jobs-repository.js';
import type { ActivityDeps } from './deps.js';
import { withHeartbeat } from './heartbeat.js';

const MAX_WIDTH = 1280;
/** Where a clip has found its picture, or the middle of a shorter video. */
const AT_SECONDS = 1;

/** Takes a frame of a job's video and stores it as its poster. Harmless to repeat. */
export function createMakePoster({ knex, blobs, tools, workRoot }: ActivityDeps): MediaActivities['makePoster'] {
  return async ({ jobId }) => {
    const job = await findJob(knex, jobId);
    const { videoBlobId, durationSeconds } = job ?? {};
    if (videoBlobId == null || durationSeconds == null) {
      throw new ReelwrightError('NOT_FOUND', `expected job ${jobId} to have a video, found none`);
    }
    return await withHeartbeat(async () => {
      const signal = Context.current().cancellationSignal;
      return await withWorkDir(workRoot, 'poster', async (dir) => {
        const input = join(dir, 'video.mp4');
        const output = join(dir, 'poster.jpg');
        await pipeline(blobs.open(videoBlobId), createWriteStream(input), { signal });
        const atSeconds = Math.min(AT_SECONDS, durationSeconds / 2);
        await takePoster(tools, { input, output, atSeconds, maxWidth: MAX_WIDTH, signal });
        const { id, size } = await blobs.put(createReadStream(output), { contentType: 'image/jpeg', signal });
        await setPoster(knex, jobId, { posterBlobId: id, ofVideoBlobId: videoBlobId });
        return { sizeBytes: size };
      });
    });
  };
}
