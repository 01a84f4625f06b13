import { mediaVersion } from '../../domain/media-version.js';
import { VIDEO_TYPES } from '../../domain/renditions.js';
import type { RenditionRecord } from '../../storage/renditions-repository.js';
import type { ApiContext } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { noBytes } from '../media-gone.js';
import { sendBlob } from '../send-blob.js';

/** Answers with a rendition's file, called `fileName`; throws NOT_FOUND before it is completed, MEDIA_DELETED once it is gone. */
export async function sendRendition(
  ctx: ApiContext,
  { blobs }: Pick<ApiDeps, 'blobs'>,
  rendition: RenditionRecord,
  { fileName, version, attachment }: { fileName: string; version: string | undefined; attachment: boolean },
): Promise<void> {
  const { blobId, sha256, sizeBytes, format, completedAt, updatedAt } = rendition;
  if (blobId === null || sha256 === null || sizeBytes === null) {
    throw noBytes(rendition, `${rendition.id} has no file: it is ${rendition.status}`);
  }
  await sendBlob(ctx, blobs, {
    blob: { id: blobId, sha256, size: sizeBytes },
    contentType: VIDEO_TYPES[format],
    fileName,
    lastModified: completedAt ?? updatedAt,
    immutable: version === mediaVersion(sha256),
    attachment,
  });
}
