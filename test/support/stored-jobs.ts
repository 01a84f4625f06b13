/** Jobs with all the media that a finished one has, put into the tables as activities would have left them. */
import { randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import type { JobState } from '../../domain/states.js';
import type { BlobStore } from '../../storage/blob-store.js';
import { setVideoPreviews } from '../../storage/video-previews.js';
import { CLIP_USD, placeJob, placePurchase } from './money-fixtures.js';
import { placeRendition } from './rendition-rows.js';

async function* yielding(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Puts bytes that no other blob has, and gives its id. */
export async function putBytes(blobs: BlobStore, size = 1_000, contentType = 'video/mp4'): Promise<string> {
  return (await blobs.put(yielding(randomBytes(size)), { contentType })).id;
}

export interface StoredJob {
  jobId: string;
  videoBlobId: string;
  exportId: string;
  /** Of all that belongs to it: video, pictures, clip, a former version of it, music, export. */
  blobIds: string[];
}

/** A finished job of one clip, with everything that can be made of it; it ended `endedDaysAgo`. */
export async function placeStoredJob(
  knex: Knex,
  blobs: BlobStore,
  {
    ownerId,
    campaignId,
    status = 'completed',
    endedDaysAgo = 0,
  }: { ownerId: string; campaignId?: string; status?: JobState; endedDaysAgo?: number },
): Promise<StoredJob> {
  const jobId = await placeJob(knex, { ownerId, status, clips: ['stored'], ...(campaignId && { campaignId }) });
  const blobIds = await Promise.all(Array.from({ length: 9 }, () => putBytes(blobs)));
  const [video, poster, thumbnail, sprites, cues, clip, former, music, exported] = blobIds as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  await knex('jobs')
    .where({ id: jobId })
    .update({
      video_blob_id: video,
      poster_blob_id: poster,
      duration_seconds: 4,
      cut_plan: '{"steps":[]}',
      completed_at: knex.raw(`now() - ? * interval '1 day'`, [endedDaysAgo]),
    });
  await setVideoPreviews(knex, jobId, {
    ofVideoBlobId: video,
    thumbnailBlobId: thumbnail,
    spritesBlobId: sprites,
    cuesBlobId: cues,
  });
  await knex('clips').where({ job_id: jobId }).update({ blob_id: clip, scene_name: 'Pool', warnings: '["a word"]' });
  await knex('music_pieces').insert({
    job_id: jobId,
    number: 1,
    status: 'stored',
    model: 'musicgen',
    prompt: 'a tune that somebody described',
    duration_seconds: 4,
    blob_id: music,
  });
  for (const [index, blobId] of [former, clip].entries()) {
    const id = await placePurchase(knex, { jobId, state: 'stored', attempt: index + 1, costUsd: CLIP_USD });
    const input = JSON.stringify({ prompt: 'clip 1', image: 'https://example.com/secret.jpg', duration: 4 });
    await knex('predictions')
      .where({ id })
      .update({ blob_id: blobId, input, output: '["https://replicate.delivery/x"]' });
  }
  const exportId = await placeRendition(knex, { ownerId, sources: [{ jobId, blobId: video }] });
  await knex('renditions')
    .where({ id: exportId })
    .update({ status: 'completed', blob_id: exported, duration_seconds: 4, completed_at: knex.fn.now() });
  return { jobId, videoBlobId: video, exportId, blobIds };
}
