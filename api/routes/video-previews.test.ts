import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setVideoPreviews } from '../../storage/video-previews.js';
import { placeJob } from '../../test/support/money-fixtures.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import type { JobJson } from '../schemas/jobs.schema.js';

let api: RunningApi;
let anna: Caller;
let ben: Caller;
let jobId: string;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
  jobId = await placeJob(api.database.knex, { ownerId: anna.ownerId, status: 'completed', clips: ['stored'] });
});
afterAll(() => api.stop());

const FILES = ['thumbnail.jpg', 'sprites.jpg', 'thumbnails.vtt'] as const;
const read = async (): Promise<JobJson> => (await anna.get<JobJson>(`/api/v3/jobs/${jobId}`)).data;
const path = (file: string): string => `/api/v3/videos/${jobId}/${file}`;
const put = async (text: string) =>
  await api.deps.blobs.put(Readable.from([Buffer.from(text)]), { contentType: 'application/octet-stream' });

async function giveVideo(text: string): Promise<string> {
  const { id } = await put(text);
  await api.database.knex('jobs').where({ id: jobId }).update({ video_blob_id: id, duration_seconds: 4 });
  return id;
}

test('a job without previews names none, and there are none', async () => {
  await giveVideo('a video');
  expect(await read()).toMatchObject({ thumbnailUrl: null, previewsUrl: null });
  for (const file of FILES) expect((await anna.get(path(file))).status).toBe(404);
});

test('previews are named with versions, served to their owner with ranges, and not those of a former video', async () => {
  const ofVideoBlobId = await giveVideo('a video');
  const [thumbnail, sprites] = [await put('a thumbnail'), await put('a sheet')];
  const cues = await put(
    `WEBVTT\n\n00:00:00.000 --> 00:00:04.000\nsprites.jpg?v=${sprites.sha256.slice(0, 12)}#xywh=0,0,1,1\n`,
  );
  const ids = { thumbnailBlobId: thumbnail.id, spritesBlobId: sprites.id, cuesBlobId: cues.id };
  await setVideoPreviews(api.database.knex, jobId, { ofVideoBlobId, ...ids });

  const { thumbnailUrl, previewsUrl } = await read();
  expect(thumbnailUrl).toBe(`${path('thumbnail.jpg')}?v=${thumbnail.sha256.slice(0, 12)}`);
  expect(previewsUrl).toBe(`${path('thumbnails.vtt')}?v=${cues.sha256.slice(0, 12)}`);

  const list = await anna.fetch(previewsUrl ?? '');
  expect(list.headers.get('content-type')).toBe('text/vtt; charset=utf-8');
  expect(list.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
  const named = (await list.text()).split('\n').find((line) => line.startsWith('sprites')) ?? '';
  // As a browser does it: relative to the list.
  const sheetUrl = new URL(named.replace(/#.*$/, ''), new URL(previewsUrl ?? '', api.url));
  const sheet = await anna.fetch(sheetUrl.pathname + sheetUrl.search);
  expect([await sheet.text(), sheet.headers.get('content-type')]).toEqual(['a sheet', 'image/jpeg']);
  expect(sheet.headers.get('cache-control')).toContain('immutable');

  const part = await anna.fetch(thumbnailUrl ?? '', { headers: { range: 'bytes=2-4' } });
  expect([part.status, await part.text(), part.headers.get('content-type')]).toEqual([206, 'thu', 'image/jpeg']);
  const etag = part.headers.get('etag') ?? '';
  const known = await anna.fetch(path('thumbnail.jpg'), {
    headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' },
  });
  expect([known.status, known.headers.get('cache-control')]).toEqual([304, 'private, no-cache']);
  for (const file of FILES) {
    const head = await anna.fetch(path(file), { method: 'HEAD' });
    expect([head.status, head.headers.get('accept-ranges')]).toEqual([200, 'bytes']);
    expect((await ben.get(path(file))).status).toBe(404);
    expect((await api.call(path(file))).status).toBe(401);
  }

  await giveVideo('the next video');
  expect(await read()).toMatchObject({ thumbnailUrl: null, previewsUrl: null });
  for (const file of FILES) expect((await anna.get(path(file))).status).toBe(404);
});
