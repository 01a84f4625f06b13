import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isReelwrightError } from '../domain/errors.js';
import { LOOK_LIMIT_MS } from '../media/plan/run-limits.js';
import { type MusicProbe, probeMusic } from '../media/probe/probe-music.js';
import { listMusic } from '../storage/music-repository.js';
import { moveSubJob } from '../storage/sub-job.js';
import type { ActivityDeps } from './deps.js';

/** Music in a file of `dir`, and what a cut has to know of it. */
export interface FoundMusic {
  path: string;
  probe: MusicProbe;
}

/**
 * The music that a job's video has: its last piece that is stored, which contains those before it. Undefined where there
 * is none, and where it cannot be used, which its row says then: a video without music is a video.
 */
export async function musicOf(
  { knex, blobs, tools, logger }: Pick<ActivityDeps, 'knex' | 'blobs' | 'tools' | 'logger'>,
  jobId: string,
  dir: string,
  signal: AbortSignal,
): Promise<FoundMusic | undefined> {
  const piece = (await listMusic(knex, [jobId])).findLast(({ status }) => status === 'stored');
  if (piece?.blobId == null) return undefined;
  const path = join(dir, 'music');
  await pipeline(blobs.open(piece.blobId), createWriteStream(path), { signal });
  try {
    return { path, probe: await probeMusic(tools, path, { signal, timeLimitMs: LOOK_LIMIT_MS }) };
  } catch (error) {
    if (!isReelwrightError(error, 'MEDIA_UNREADABLE')) throw error;
    logger.warn({ jobId, number: piece.number, ...error.details }, 'the music cannot be used');
    await moveSubJob(knex, piece, ['stored'], { warnings: [`it is not heard: ${error.message}`] });
    return undefined;
  }
}
