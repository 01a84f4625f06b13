import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { JobState } from '../../domain/states.js';
import { lockJob } from '../../storage/jobs-repository.js';
import { markRenditionStarted, moveRendition } from '../../storage/rendition-moves.js';
import { placeJob } from '../../test/support/money-fixtures.js';
import { placeRendition } from '../../test/support/rendition-rows.js';
import { type ApiAnswer, type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import type { ExportJson } from '../schemas/renditions.schema.js';

let api: RunningApi;
let anna: Caller;
let ben: Caller;
let jobId: string;
let temporalDown = false;
beforeAll(async () => {
  api = await startApi({
    deps: ({ renditionStarter, jobControl }) => ({
      renditionStarter: {
        start: (rendition) =>
          temporalDown ? Promise.reject(new Error('Temporal is down')) : renditionStarter.start(rendition),
      },
      jobControl: {
        ...jobControl,
        cancel: (id) => (temporalDown ? Promise.reject(new Error('Temporal is down')) : jobControl.cancel(id)),
      },
    }),
  });
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
});
afterAll(() => api.stop());
beforeEach(async () => {
  temporalDown = false;
  jobId = await finished(randomUUID());
});

const put = async (content: string) =>
  await api.deps.blobs.put(Readable.from([Buffer.from(content)]), { contentType: 'video/mp4' });

async function finished(content: string, status: JobState = 'completed'): Promise<string> {
  const { knex } = api.database;
  const id = await placeJob(knex, { ownerId: anna.ownerId, status, clips: ['stored'] });
  const blob = await put(content);
  await knex('jobs').where({ id }).update({ name: 'Villa Azul', video_blob_id: blob.id, duration_seconds: 4 });
  return id;
}

const LOW = { format: 'webm', quality: 'low' };
const ask = (body: unknown = LOW, caller = anna, headers = {}): Promise<ApiAnswer<ExportJson>> =>
  caller.post<ExportJson>(`/api/v3/videos/${jobId}/exports`, body, headers);
const read = async (id: string, caller = anna): Promise<ApiAnswer<ExportJson>> =>
  await caller.get<ExportJson>(`/api/v3/exports/${id}`);
const cancel = (id: string, caller = anna): Promise<ApiAnswer<ExportJson>> =>
  caller.post<ExportJson>(`/api/v3/exports/${id}/actions`, { action: 'cancel' });
const complete = async (id: string, content: string): Promise<void> => {
  const { id: blobId } = await put(content);
  const end = { status: 'completed', percent: 100, blobId, durationSeconds: 4, completed: true } as const;
  await moveRendition(api.database.knex, id, end);
};
const started = async (id: string): Promise<boolean> => {
  const row = await api.database.knex('renditions').where({ id }).first('started_at');
  return row.started_at !== null;
};

describe('an export', () => {
  test('is accepted, handed to Temporal, and shown while it is made', async () => {
    const { status, data, headers } = await ask();
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(`/api/v3/exports/${data.id}`);
    expect(data).toMatchObject({
      ...LOW,
      videoId: jobId,
      status: 'queued',
      percent: 0,
      error: null,
      dataUrl: null,
      sizeBytes: null,
      workflow: { id: `export-${data.id}`, url: expect.stringContaining(`/workflows/export-${data.id}`) },
    });
    expect(api.renditionStarts).toContain(data.id);
    expect(await started(data.id)).toBe(true);
    expect((await anna.fetch(`/api/v3/exports/${data.id}/data`)).status).toBe(404);
    await api.database.knex('renditions').where({ id: data.id }).update({ status: 'running', percent: 40 });
    expect((await read(data.id)).data).toMatchObject({ status: 'running', percent: 40 });
  });

  test('is downloaded under its name, with its type and ranges, and may be kept for a year', async () => {
    const { id } = (await ask()).data;
    await complete(id, 'the exported video');
    const { data } = await read(id);
    expect(data).toMatchObject({ status: 'completed', percent: 100, sizeBytes: 18, durationSeconds: 4 });
    const whole = await anna.fetch(data.dataUrl ?? '');
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-type': 'video/webm',
      'content-disposition': 'attachment; filename="Villa Azul low.webm"',
      'cache-control': 'private, max-age=31536000, immutable',
    });
    expect(await whole.text()).toBe('the exported video');
    const part = await anna.fetch(data.dataUrl ?? '', { headers: { range: 'bytes=4-11' } });
    expect([part.status, await part.text()]).toEqual([206, 'exported']);
    const head = await anna.fetch(`/api/v3/exports/${id}/data`, { method: 'HEAD' });
    expect([head.headers.get('content-length'), head.headers.get('etag')]).toEqual(['18', whole.headers.get('etag')]);
  });

  test('is made once: asked for again, also at the same time, the one that is there is the answer', async () => {
    const answers = await Promise.all([ask(), ask(), ask()]);
    const [first] = answers;
    expect(new Set(answers.map(({ data }) => data.id)).size).toBe(1);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 202]);
    const id = first?.data.id ?? '';
    await complete(id, 'exported');
    expect(await ask()).toMatchObject({ status: 200, data: { id, status: 'completed' } });
    expect((await ask({ format: 'webm', quality: 'high' })).status).toBe(202);
    expect((await ask({ format: 'mp4', quality: 'low' })).status).toBe(202);
    expect(api.renditionStarts.filter((start) => start === id)).toHaveLength(1);
  });

  test('that another request is just asking for is waited for', async () => {
    const { knex } = api.database;
    const { video_blob_id: blobId } = await knex('jobs').where({ id: jobId }).first('video_blob_id');
    const trx = await knex.transaction();
    await lockJob(trx, jobId);
    const sources = [{ jobId, blobId }];
    const id = await placeRendition(trx, { ownerId: anna.ownerId, sources, format: 'webm', quality: 'low' });
    const asking = ask();
    const waits = vi.waitFor(async () => {
      const [waiting] = await knex('pg_locks').where({ granted: false }).count({ locks: '*' });
      if (Number(waiting?.['locks']) === 0) throw new Error('expected a request that waits');
    }, 20_000);
    await Promise.race([asking, waits]);
    await trx.commit();
    expect(await asking).toMatchObject({ status: 200, data: { id } });
  });

  test('of a video that was cut again is another one; the former stays', async () => {
    const former = (await ask()).data.id;
    const blob = await put(randomUUID());
    await api.database.knex('jobs').where({ id: jobId }).update({ video_blob_id: blob.id });
    const next = await ask();
    expect(next.status).toBe(202);
    const list = await anna.get<ExportJson[]>(`/api/v3/videos/${jobId}/exports`);
    expect(list.data.map(({ id }) => id)).toEqual([next.data.id, former]);
    expect(list.meta).toMatchObject({ page: 1, total: 2 });
  });

  test('that failed says why, and may be asked for anew', async () => {
    const { id } = (await ask()).data;
    const error = { code: 'ENCODER_MISSING', message: 'no VP9' } as const;
    await moveRendition(api.database.knex, id, { status: 'failed', error, completed: true });
    expect((await read(id)).data).toMatchObject({ status: 'failed', error, dataUrl: null });
    const again = await ask();
    expect([again.status, again.data.id === id]).toEqual([202, false]);
    expect(await cancel(id)).toMatchObject({ status: 409, error: { code: 'WRONG_STATE' } });
  });

  test('gets the same answer for the same key, and no second export', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const [one, two] = [await ask(LOW, anna, headers), await ask(LOW, anna, headers)];
    expect([one.status, two.status, two.data]).toEqual([202, 202, one.data]);
    expect(await ask({ format: 'mp4', quality: 'low' }, anna, headers)).toMatchObject({
      error: { code: 'IDEMPOTENCY_KEY_REUSED' },
    });
  });

  test('is kept while Temporal is down: its start is owed, and a cancel of it counts at once', async () => {
    temporalDown = true;
    const { status, data } = await ask();
    expect([status, data.status, await started(data.id)]).toEqual([202, 'queued', false]);
    expect(await cancel(data.id)).toMatchObject({ status: 202, data: { status: 'cancelled' } });
    expect((await cancel(data.id)).status).toBe(200);
  });

  test('that runs is cancelled by its workflow, asked for once or twice; another may be asked for meanwhile', async () => {
    const { id } = (await ask()).data;
    await api.database.knex('renditions').where({ id }).update({ status: 'running' });
    expect(await cancel(id)).toMatchObject({ status: 202, data: { status: 'running' } });
    expect((await cancel(id)).status).toBe(200);
    expect(api.cancels.filter((workflowId) => workflowId === `export-${id}`)).toHaveLength(2);
    expect((await ask()).data.id).not.toBe(id);
  });

  test('goes with its job', async () => {
    const { id } = (await ask()).data;
    await api.database.knex('jobs').where({ id: jobId }).delete();
    expect((await read(id)).status).toBe(404);
  });
});

describe('what is refused', () => {
  test.each([
    [{ format: 'avi', quality: 'low' }, 'format'],
    [{ format: 'mp4', quality: 'best' }, 'quality'],
    [{ format: 'mp4' }, 'quality'],
    [{ ...LOW, bitrate: 1 }, 'bitrate'],
  ])('%o names its field', async (body, field) => {
    expect(await ask(body)).toMatchObject({
      status: 422,
      error: { code: 'VALIDATION_FAILED', details: { path: field } },
    });
  });

  test.each(['generating', 'composing'] as const)('a job that is %s', async (status) => {
    await api.database.knex('jobs').where({ id: jobId }).update({ status });
    expect(await ask()).toMatchObject({ status: 409, error: { code: 'WRONG_STATE' } });
  });

  test('a job without a video', async () => {
    await api.database.knex('jobs').where({ id: jobId }).update({ status: 'failed', video_blob_id: null });
    expect(await ask()).toMatchObject({ status: 409, error: { code: 'WRONG_STATE' } });
  });

  test('another owner, everywhere alike', async () => {
    const { id } = (await ask()).data;
    await complete(id, 'mine');
    const answers = await Promise.all([
      ask(LOW, ben),
      read(id, ben),
      cancel(id, ben),
      ben.get(`/api/v3/exports/${id}/data`),
      ben.get(`/api/v3/videos/${jobId}/exports`),
      read(randomUUID()),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404]);
    await markRenditionStarted(api.database.knex, id);
    expect((await read(id)).data.status).toBe('completed');
  });
});
