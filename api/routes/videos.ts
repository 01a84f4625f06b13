import { z } from 'zod';
import { ReelwrightError } from '../../domain/errors.js';
import { id } from '../../domain/fields.schema.js';
import { mediaVersion } from '../../domain/media-version.js';
import { findClip } from '../../storage/clips-repository.js';
import { readOwnJob } from '../../storage/jobs-repository.js';
import { ownerOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { noBytes } from '../media-gone.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { idParams, versionQuery } from '../schemas/common.schema.js';
import { sharedQuery, sharedVideoQuery } from '../schemas/video-links.schema.js';
import { sendBlob } from '../send-blob.js';
import { readSharedVideo } from '../shared-video.js';
import { clipFileName, clipNumber } from '../video-names.js';

const CONTENT_TYPE = 'video/mp4';
const POSTER_TYPE = 'image/jpeg';

export function videoRoutes(deps: ApiDeps): Route[] {
  const { knex, blobs } = deps;
  return [
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/videos/:id/combined`,
      operation: 'getVideo',
      tag: 'Videos',
      summary: "Get a job's finished video",
      access: 'key-or-link',
      params: idParams,
      query: sharedVideoQuery,
      success: { status: 200, body: { kind: 'bytes', contentType: CONTENT_TYPE } },
      errors: ['MEDIA_DELETED'],
      async handle(ctx, { params, query }) {
        const { job, link } = await readSharedVideo(ctx, deps, params.id, 'video');
        const { videoBlobId, videoSha256, sizeBytes } = job;
        if (videoBlobId === null || videoSha256 === null || sizeBytes === null) {
          throw noBytes(job, `job ${job.id} has no video yet`);
        }
        await sendBlob(ctx, blobs, {
          blob: { id: videoBlobId, sha256: videoSha256, size: sizeBytes },
          contentType: CONTENT_TYPE,
          fileName: `${job.name}.mp4`,
          lastModified: job.completedAt ?? job.updatedAt,
          // A link may end at any time: who watches by it asks each time.
          immutable: link === undefined && query.v === mediaVersion(videoSha256),
          attachment: query.download === '1',
        });
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/videos/:id/clips/:file`,
      operation: 'getClipVideo',
      tag: 'Videos',
      summary: 'Get one clip of a job',
      access: 'key',
      params: z.object({ id, file: z.string().describe('clip_001.mp4 is the first one.') }),
      query: versionQuery,
      success: { status: 200, body: { kind: 'bytes', contentType: CONTENT_TYPE } },
      errors: ['MEDIA_DELETED'],
      async handle(ctx, { params, query }) {
        const job = await readOwnJob(knex, params.id, ownerOf(ctx));
        const number = clipNumber(params.file);
        const clip = number === undefined ? undefined : await findClip(knex, job.id, number);
        if (clip === undefined) throw new ReelwrightError('NOT_FOUND', `job ${job.id} has no clip ${params.file}`);
        const { blobId, blobSha256, sizeBytes } = clip;
        if (blobId === null || blobSha256 === null || sizeBytes === null) {
          throw noBytes(job, `clip ${clip.number} of job ${job.id} is not stored yet`);
        }
        await sendBlob(ctx, blobs, {
          blob: { id: blobId, sha256: blobSha256, size: sizeBytes },
          contentType: CONTENT_TYPE,
          fileName: `${job.name} ${clipFileName(clip.number)}`,
          lastModified: clip.completedAt ?? job.updatedAt,
          immutable: query.v === mediaVersion(blobSha256),
        });
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/videos/:id/poster.jpg`,
      operation: 'getPoster',
      tag: 'Videos',
      summary: "Get a frame of a job's finished video",
      access: 'key-or-link',
      params: idParams,
      query: sharedQuery,
      success: { status: 200, body: { kind: 'bytes', contentType: POSTER_TYPE } },
      errors: ['MEDIA_DELETED'],
      async handle(ctx, { params, query }) {
        const { job, link } = await readSharedVideo(ctx, deps, params.id, 'picture');
        const { posterBlobId, posterSha256, posterSizeBytes } = job;
        if (posterBlobId === null || posterSha256 === null || posterSizeBytes === null) {
          throw noBytes(job, `job ${job.id} has no poster yet`);
        }
        await sendBlob(ctx, blobs, {
          blob: { id: posterBlobId, sha256: posterSha256, size: posterSizeBytes },
          contentType: POSTER_TYPE,
          fileName: `${job.name}.jpg`,
          lastModified: job.completedAt ?? job.updatedAt,
          immutable: link === undefined && query.v === mediaVersion(posterSha256),
        });
      },
    }),
  ];
}
