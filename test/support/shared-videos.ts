/** Finished videos as the workflow leaves them, with their pictures, for tests of who may see them. */
import { Readable } from 'node:stream';
import type { VideoLinkJson } from '../../api/schemas/video-links.schema.js';
import { setPoster } from '../../storage/job-moves.js';
import { setVideoPreviews } from '../../storage/video-previews.js';
import { placeJob } from './money-fixtures.js';
import type { Caller, RunningApi } from './running-api.js';

/** What a link opens, as the last parts of the addresses. */
export const SHARED_FILES = ['combined', 'poster.jpg', 'thumbnail.jpg', 'sprites.jpg', 'thumbnails.vtt'] as const;

/** A completed job whose video has these bytes and this name; gives its id. */
export async function shareableVideo(
  api: RunningApi,
  { ownerId }: Pick<Caller, 'ownerId'>,
  { content, name = 'Villa Azul' }: { content: Buffer; name?: string },
): Promise<string> {
  const { knex } = api.database;
  const jobId = await placeJob(knex, { ownerId, status: 'completed', clips: ['stored'] });
  await knex('jobs').where({ id: jobId }).update({ name });
  await cutAnew(api, jobId, content);
  return jobId;
}

/** Gives the job another video, as another cut does. */
export async function cutAnew(api: RunningApi, jobId: string, content: Buffer): Promise<void> {
  const { knex } = api.database;
  const put = async (bytes: Buffer): Promise<string> =>
    (await api.deps.blobs.put(Readable.from([bytes]), { contentType: 'video/mp4' })).id;
  const ofVideoBlobId = await put(content);
  await knex('clips').where({ job_id: jobId }).update({ blob_id: ofVideoBlobId });
  await knex('jobs').where({ id: jobId }).update({ video_blob_id: ofVideoBlobId, duration_seconds: 4 });
  await setPoster(knex, jobId, { ofVideoBlobId, posterBlobId: await put(Buffer.from('a poster')) });
  await setVideoPreviews(knex, jobId, {
    ofVideoBlobId,
    thumbnailBlobId: await put(Buffer.from('a thumbnail')),
    spritesBlobId: await put(Buffer.from('a sheet')),
    cuesBlobId: await put(Buffer.from('WEBVTT\n')),
  });
}

export async function makeLink(caller: Caller, jobId: string, order: object = {}): Promise<VideoLinkJson> {
  const answer = await caller.post<VideoLinkJson>(`/api/v3/videos/${jobId}/links`, order);
  if (answer.status !== 201) throw new Error(`expected a link, got ${JSON.stringify(answer.error)}`);
  return answer.data;
}

export const tokenIn = (address: string): string => new URL(address, 'http://x').searchParams.get('token') ?? '';

let strangers = 0;

/** Waits until the link does not open to somebody who has not been there. */
export async function waitUntilExpired(api: RunningApi, { videoUrl }: VideoLinkJson): Promise<void> {
  const open = async (): Promise<boolean> => {
    strangers += 1;
    const headers = { 'user-agent': `stranger ${strangers}` };
    return (await fetch(api.url + videoUrl, { method: 'HEAD', headers })).ok;
  };
  while (await open()) await new Promise((again) => setTimeout(again, 100));
}
