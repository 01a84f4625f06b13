/** One image that was ordered by address. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isReelwrightError, ReelwrightError } from '../domain/errors.js';
import { withWorkDir } from '../media/ffmpeg/work-dir.js';
import { inspectImage } from '../media/probe/inspect-image.js';
import { insertAsset } from '../storage/assets-repository.js';
import { noteFetchedImage } from '../storage/fetched-images.js';
import type { JobRow } from '../storage/jobs-repository.js';
import { withRoom } from '../storage/store-room.js';
import { fetchFile } from '../web/fetch-file.js';
import type { ActivityDeps } from './deps.js';
import { nameOfImage } from './image-name.js';

/** Bounds of one image's fetch: bytes and milliseconds. */
export interface ImageLimits {
  maxBytes: number;
  timeLimitMs: number;
}

/** What the provider takes as an input file at most, and as long as an honest server takes for it. */
const LIMITS: ImageLimits = { maxBytes: 100 * 1024 * 1024, timeLimitMs: 60_000 };

export type FetchImagesDeps = Pick<
  ActivityDeps,
  'knex' | 'blobs' | 'addressGuard' | 'workRoot' | 'settings' | 'logger'
> & {
  /** Default: 100 MiB, 60 s. */
  imageLimits?: ImageLimits;
};

export interface WaitingImage {
  url: string;
  /** Which image it is, for messages; the first one where several share the address. */
  where: string;
}

/**
 * Fetches an address, checks that it is an image, and makes it an asset of the job's owner, which every image of the
 * job that waits for this address then has. It is none of the campaign's: those are what its pairs are chosen from. An address that was changed meanwhile leaves an asset that no
 * clip has. Throws URL_REFUSED, IMAGE_NOT_FETCHED or IMAGE_UNREACHABLE, which begin with `where`, and STORAGE_FULL.
 */
export async function fetchImage(
  { knex, blobs, addressGuard, workRoot, settings, logger, imageLimits = LIMITS }: FetchImagesDeps,
  { id: jobId, ownerId }: JobRow,
  { url, where }: WaitingImage,
  signal: AbortSignal,
): Promise<void> {
  await withWorkDir(workRoot, 'image', async (dir) => {
    const path = join(dir, 'image');
    const facts = await named(where, async () => {
      await fetchFile(addressGuard, url, path, { ...imageLimits, signal });
      return await inspectImage(path);
    });
    const { size } = await stat(path);
    const blob = await withRoom(knex, settings.store.maxBytes, size, () =>
      blobs.put(createReadStream(path), { contentType: facts.contentType, signal }),
    );
    const assetId = await knex.transaction(async (trx) => {
      const asset = await insertAsset(trx, {
        ownerId,
        clientId: null,
        campaignId: null,
        blobId: blob.id,
        type: 'image',
        name: nameOfImage(url),
        tags: [],
        durationSeconds: null,
        sourceUrl: url,
        ...facts,
      });
      await noteFetchedImage(trx, { jobId, url, assetId: asset.id });
      return asset.id;
    });
    logger.info({ jobId, where, assetId, bytes: blob.size }, 'fetched an image');
  });
}

async function named<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isReelwrightError(error)) throw error;
    const code = error.code === 'MEDIA_UNREADABLE' ? 'IMAGE_NOT_FETCHED' : error.code;
    const { details, retryAfterMs, cause } = error;
    throw new ReelwrightError(code, `${where}: ${error.message}`, {
      cause,
      ...(details === undefined ? {} : { details }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
}
