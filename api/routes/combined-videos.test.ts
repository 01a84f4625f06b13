import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobState } from '../../domain/states.js';
import { moveRendition } from '../../storage/rendition-moves.js';
import { placeJob } from '../../test/support/money-fixtures.js';
import { type ApiAnswer, type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import type { CombinedVideoJson } from '../schemas/renditions.schema.js';

let api: RunningApi;
let anna: Caller;
let ben: Caller;
let one: string;
let two: string;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
  one = await finished(anna);
  two = await finished(anna, 'completed_with_gaps');
});
afterAll(() => api.stop());

const put = async (content: string) =>
  await api.deps.blobs.put(Readable.from([Buffer.from(content)]), { contentType: 'video/mp4' });

async function finished({ ownerId }: Caller, status: JobState = 'completed'): Promise<string> {
  const { knex } = api.database;
  const id = await placeJob(knex, { ownerId, status, clips: ['stored'] });
  const blob = await put(randomUUID());
  await knex('jobs').where({ id }).update({ video_blob_id: blob.id, duration_seconds: 4 });
  return id;
}

const combine = (body: unknown, caller = anna): Promise<ApiAnswer<CombinedVideoJson>> =>
  caller.post<CombinedVideoJson>('/api/v3/videos/combine', body);
const read = (id: string, caller = anna): Promise<ApiAnswer<CombinedVideoJson>> =>
  caller.get<CombinedVideoJson>(`/api/v3/combined-videos/${id}`);

describe('a combined video', () => {
  test('is accepted, with the bytes that its videos have now, and handed to Temporal', async () => {
    const { status, data, headers } = await combine({
      videoIds: [two, one, two],
      name: 'Both',
      transition: 'crossfade',
    });
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(`/api/v3/combined-videos/${data.id}`);
    expect(data).toMatchObject({
      name: 'Both',
      videoIds: [two, one, two],
      transition: 'crossfade',
      status: 'queued',
      videoUrl: null,
      workflow: { id: `combination-${data.id}` },
    });
    expect(api.renditionStarts).toContain(data.id);
    const { knex } = api.database;
    const now = (await knex('jobs').where({ id: one }).first('video_blob_id')).video_blob_id;
    const blob = await put('cut again');
    await knex('jobs').where({ id: one }).update({ video_blob_id: blob.id });
    const kept = await knex('rendition_sources').where({ rendition_id: data.id, position: 2 }).first('blob_id');
    expect(kept.blob_id).toBe(now);
  });

  test('is named after its first video, listed newest first, and shown inline once it is completed', async () => {
    const former = (await combine({ videoIds: [one, two] })).data;
    expect(former).toMatchObject({ name: 'a job and 1 more', transition: 'cut' });
    const { id } = (await combine({ videoIds: [one, one, two] })).data;
    const { id: blobId } = await put('both videos');
    const end = { status: 'completed', percent: 100, blobId, durationSeconds: 12, completed: true } as const;
    await moveRendition(api.database.knex, id, end);
    const list = await anna.get<CombinedVideoJson[]>('/api/v3/combined-videos?limit=2');
    expect(list.data.map((video) => video.id)).toEqual([id, former.id]);
    const { videoUrl, durationSeconds } = list.data[0] as CombinedVideoJson;
    expect(durationSeconds).toBe(12);
    const file = await anna.fetch(videoUrl ?? '', { headers: { range: 'bytes=5-' } });
    expect([file.status, await file.text()]).toEqual([206, 'videos']);
    expect(Object.fromEntries(file.headers)).toMatchObject({
      'content-type': 'video/mp4',
      'content-disposition': 'inline; filename="a job and 2 more.mp4"',
      'cache-control': 'private, max-age=31536000, immutable',
    });
    expect((await ben.get(videoUrl ?? '')).status).toBe(404);
    expect((await ben.get<unknown[]>('/api/v3/combined-videos')).data).toEqual([]);
    expect((await read(id, ben)).status).toBe(404);
    expect((await anna.get(`/api/v3/exports/${id}`)).status).toBe(404);
  });

  test('is cancelled until it is over', async () => {
    const { id } = (await combine({ videoIds: [one, two] })).data;
    const cancel = () => anna.post<CombinedVideoJson>(`/api/v3/combined-videos/${id}/actions`, { action: 'cancel' });
    expect((await cancel()).status).toBe(202);
    expect(api.cancels).toContain(`combination-${id}`);
    await moveRendition(api.database.knex, id, { status: 'cancelled', completed: true });
    expect(await cancel()).toMatchObject({ status: 200, data: { status: 'cancelled' } });
  });

  test('gets the same answer for the same key', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const ask = () => anna.post<CombinedVideoJson>('/api/v3/videos/combine', { videoIds: [one, two] }, headers);
    expect((await ask()).data.id).toBe((await ask()).data.id);
  });
});

describe('what is refused', () => {
  test.each([
    ['one video', 1],
    ['more than 20 videos', 21],
  ])('%s', async (_what, count) => {
    const answer = await combine({ videoIds: Array<string>(count).fill(one) });
    expect(answer).toMatchObject({ status: 422, error: { code: 'VALIDATION_FAILED', details: { path: 'videoIds' } } });
  });

  test('an unfinished, a foreign and a missing video, each by its place, and nothing is stored', async () => {
    const { knex } = api.database;
    const unfinished = await placeJob(knex, { ownerId: anna.ownerId, status: 'generating', clips: ['generating'] });
    const again = await finished(anna, 'composing');
    const before = await api.countRows('renditions');
    for (const bad of [unfinished, again, await finished(ben), randomUUID()]) {
      expect(await combine({ videoIds: [one, bad] })).toMatchObject({
        status: 422,
        error: { code: 'VIDEO_NOT_FOUND', details: { path: 'videoIds.1', seen: bad } },
      });
    }
    expect(await api.countRows('renditions')).toBe(before);
  });

  test('an unknown transition', async () => {
    expect(await combine({ videoIds: [one, two], transition: 'wipe' })).toMatchObject({
      status: 422,
      error: { code: 'VALIDATION_FAILED', details: { path: 'transition' } },
    });
  });
});
