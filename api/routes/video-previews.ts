/** Small pictures of finished videos. */
import { ReelwrightError } from '../../domain/errors.js';
import { mediaVersion } from '../../domain/media-version.js';
import { readOwnJob } from '../../storage/jobs-repository.js';
import { findVideoPreviews, type VideoPreviews } from '../../storage/video-previews.js';
import { ownerOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { idParams, versionQuery } from '../schemas/common.schema.js';
import { sendBlob } from '../send-blob.js';

interface Preview {
  /** The last part of its path. */
  file: string;
  of: Exclude<keyof VideoPreviews, 'createdAt'>;
  operation: string;
  summary: string;
  contentType: string;
}

const PREVIEWS: readonly Preview[] = [
  {
    file: 'thumbnail.jpg',
    of: 'thumbnail',
    operation: 'getThumbnail',
    summary: "Get a small frame of a job's finished video, at most 400 pixels wide",
    contentType: 'image/jpeg',
  },
  {
    file: 'sprites.jpg',
    of: 'sprites',
    operation: 'getSprites',
    summary: "Get the sheet of small frames of a job's finished video",
    contentType: 'image/jpeg',
  },
  {
    file: 'thumbnails.vtt',
    of: 'cues',
    operation: 'getThumbnailCues',
    summary: 'Get which part of the sheet belongs to which time, as WebVTT',
    contentType: 'text/vtt; charset=utf-8',
  },
];

export function videoPreviewRoutes({ knex, blobs }: ApiDeps): Route[] {
  return PREVIEWS.map(({ file, of, operation, summary, contentType }) =>
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/videos/:id/${file}`,
      operation,
      tag: 'Videos',
      summary,
      access: 'key',
      params: idParams,
      query: versionQuery,
      success: { status: 200, body: { kind: 'bytes', contentType } },
      async handle(ctx, { params, query }) {
        const job = await readOwnJob(knex, params.id, ownerOf(ctx));
        const previews = await findVideoPreviews(knex, job.id);
        if (previews === undefined) throw new ReelwrightError('NOT_FOUND', `job ${job.id} has no previews yet`);
        const blob = previews[of];
        await sendBlob(ctx, blobs, {
          blob,
          contentType,
          fileName: `${job.name} ${file}`,
          lastModified: previews.createdAt,
          immutable: query.v === mediaVersion(blob.sha256),
        });
      },
    }),
  );
}
