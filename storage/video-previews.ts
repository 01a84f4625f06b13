import type { Knex } from 'knex';
import type { BlobRef } from './blob-store.js';

type StoredFile = Pick<BlobRef, 'id' | 'sha256' | 'size'>;

/** The small pictures of a job's present video. */
export interface VideoPreviews {
  thumbnail: StoredFile;
  sprites: StoredFile;
  cues: StoredFile;
  createdAt: Date;
}

/** The previews of a job's present video, or undefined: those of a former video are not shown. */
export async function findVideoPreviews(knex: Knex, jobId: string): Promise<VideoPreviews | undefined> {
  const file = (name: string): Record<string, string> => ({
    [`${name}Id`]: `${name}.id`,
    [`${name}Sha256`]: `${name}.sha256`,
    [`${name}Size`]: `${name}.size`,
  });
  const row: Record<string, never> | undefined = await knex('video_previews as p')
    .join('jobs as j', function sameVideo() {
      this.on('j.id', 'p.job_id').andOn('j.video_blob_id', 'p.video_blob_id');
    })
    .join('blobs as thumbnail', 'thumbnail.id', 'p.thumbnail_blob_id')
    .join('blobs as sprites', 'sprites.id', 'p.sprites_blob_id')
    .join('blobs as cues', 'cues.id', 'p.cues_blob_id')
    .where('p.job_id', jobId)
    .first({ ...file('thumbnail'), ...file('sprites'), ...file('cues'), createdAt: 'p.created_at' });
  if (row === undefined) return undefined;
  const read = (name: string): StoredFile => ({
    id: row[`${name}Id`] as unknown as string,
    sha256: row[`${name}Sha256`] as unknown as string,
    size: row[`${name}Size`] as unknown as number,
  });
  return {
    thumbnail: read('thumbnail'),
    sprites: read('sprites'),
    cues: read('cues'),
    createdAt: row['createdAt'] as unknown as Date,
  };
}

export interface NewVideoPreviews {
  ofVideoBlobId: string;
  thumbnailBlobId: string;
  spritesBlobId: string;
  cuesBlobId: string;
}

/** Keeps the previews of a job's video in the place of a former one's, unless the job has another video by now. */
export async function setVideoPreviews(knex: Knex, jobId: string, previews: NewVideoPreviews): Promise<void> {
  const { ofVideoBlobId, thumbnailBlobId, spritesBlobId, cuesBlobId } = previews;
  const columns = 'video_blob_id, thumbnail_blob_id, sprites_blob_id, cues_blob_id';
  await knex.raw(
    `INSERT INTO video_previews (job_id, ${columns})
     SELECT id, video_blob_id, ?, ?, ? FROM jobs WHERE id = ? AND video_blob_id = ? FOR NO KEY UPDATE
     ON CONFLICT (job_id) DO UPDATE SET (${columns}, created_at) =
       (excluded.video_blob_id, excluded.thumbnail_blob_id, excluded.sprites_blob_id, excluded.cues_blob_id, now())`,
    [thumbnailBlobId, spritesBlobId, cuesBlobId, jobId, ofVideoBlobId],
  );
}
