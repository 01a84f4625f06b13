import { z } from 'zod';
import { id } from '../../domain/fields.schema.js';
import { mediaVersion } from '../../domain/media-version.js';
import { readOwnJob } from '../../storage/jobs-repository.js';
import { findMusicPiece } from '../../storage/music-repository.js';
import { ownerOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { noBytes } from '../media-gone.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { versionQuery } from '../schemas/common.schema.js';
import { sendBlob } from '../send-blob.js';

const musicParams = z.object({ id, number: z.coerce.number().int().min(1).describe('1 is the first piece.') });

export function musicRoutes({ knex, blobs }: ApiDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/videos/:id/music/:number`,
      operation: 'getMusic',
      tag: 'Videos',
      summary: "Get a piece of a job's music, as its model made it",
      access: 'key',
      params: musicParams,
      query: versionQuery,
      success: { status: 200, body: { kind: 'bytes', contentType: 'audio/*' } },
      errors: ['MEDIA_DELETED'],
      async handle(ctx, { params, query }) {
        const job = await readOwnJob(knex, params.id, ownerOf(ctx));
        const piece = await findMusicPiece(knex, job.id, params.number);
        const blob = piece?.blobId == null ? undefined : await blobs.stat(piece.blobId);
        if (piece === undefined || blob === undefined) {
          throw noBytes(job, `job ${job.id} has no stored music ${params.number}`);
        }
        const extension = blob.contentType.split('/')[1] ?? 'bin';
        await sendBlob(ctx, blobs, {
          blob,
          contentType: blob.contentType,
          fileName: `${job.name} music ${piece.number}.${extension}`,
          lastModified: piece.completedAt ?? job.updatedAt,
          immutable: query.v === mediaVersion(blob.sha256),
        });
      },
    }),
  ];
}
