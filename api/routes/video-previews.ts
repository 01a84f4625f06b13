/** Small pictures of finished videos. */
import { mediaVersion } from '../../domain/media-version.js';
import { findVideoPreviews, type VideoPreviews } from '../../storage/video-previews.js';
import type { ApiDeps } from '../deps.js';
import { noBytes } from '../media-gone.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { idParams } from '../schemas/common.schema.js';
import { sharedQuery } from '../schemas/video-links.schema.js';
import { sendBlob } from '../send-blob.js';
import { readSharedVideo } from '../shared-video.js';

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

export function videoPreviewRoutes(deps: ApiDeps): Route[] {
  const { knex, blobs } = deps;
  return PREVIEWS.map(({ file, of, operation, summary, contentType }) =>
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/videos/:id/${file}`,
      operation,
      tag: 'Videos',
      summary,
      access: 'key-or-link',
      params: idParams,
      query: sharedQuery,
      success: { status: 200, body: { kind: 'bytes', contentType } },
      errors: ['MEDIA_DELETED'],
      async handle(ctx, { params, query }) {
        const { job, link } = await readSharedVideo(ctx, deps, params.id, 'picture');
        const previews = await findVideoPreviews(knex, job.id);
        if (previews === undefined) throw noBytes(job, `job ${job.id} has no previews yet`);
        const blob = previews[of];
        await sendBlob(ctx, blobs, {
          blob,
          contentType,
          fileName: `${job.name} ${file}`,
          lastModified: previews.createdAt,
          immutable: link === undefined && query.v === mediaVersion(blob.sha256),
        });
      },
    }),
  );
}
