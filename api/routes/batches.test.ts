import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { placeJob } from '../../test/support/money-fixtures.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import type { BatchJson, BatchPreviewJson, BatchWithResultsJson } from '../schemas/batches.schema.js';

const PATH = '/api/v3/admin/batches';

let api: RunningApi;
let admin: Caller;
let anna: Caller;
let temporalIsAway = false;
beforeAll(async () => {
  api = await startApi({
    deps: ({ batchStarter }) => ({
      batchStarter: {
        start: (batch) => (temporalIsAway ? Promise.reject(new Error('away')) : batchStarter.start(batch)),
      },
    }),
  });
  admin = await api.caller('Operator', { admin: true });
});
afterAll(() => api.stop());
let owners = 0;
beforeEach(async () => {
  temporalIsAway = false;
  owners += 1;
  anna = await api.caller(`Anna ${owners}`);
});

const ended = async (status: 'failed' | 'completed_with_gaps', at: string, campaignId?: string): Promise<string> => {
  const job = { ownerId: anna.ownerId, status, clips: ['failed' as const], ...(campaignId && { campaignId }) };
  const id = await placeJob(api.database.knex, job);
  await api.database.knex('jobs').where({ id }).update({ completed_at: at });
  return id;
};
const preview = async (body: unknown): Promise<string[]> => {
  const { data, status } = await admin.post<BatchPreviewJson>(`${PATH}/dry-run`, body);
  expect(status).toBe(200);
  expect(data.total).toBe(data.jobs.length);
  return data.jobs.map(({ jobId }) => jobId);
};

describe('a batch', () => {
  test('is taken with 202 and its Location, and its workflow is started after the commit', async () => {
    const id = await ended('failed', '2026-01-02T00:00:00Z');
    const body = { action: 'retry', since: '2026-01-01T00:00:00Z', owner: anna.ownerId };
    const { status, data, headers } = await admin.post<BatchJson>(PATH, body);
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(`${PATH}/${data.id}`);
    expect(data).toMatchObject({
      action: 'retry',
      status: 'queued',
      filter: { ownerId: anna.ownerId, since: '2026-01-01T00:00:00.000Z', withGaps: false },
      progress: { total: 1, done: 0, skipped: 0, pending: 1, percent: 0, skippedFor: {} },
      requestedBy: expect.stringMatching(/^key [0-9a-f-]{36}$/),
      workflow: { id: `batch-${data.id}` },
    });
    expect(api.batchStarts).toContain(data.id);
    const one = (await admin.get<BatchWithResultsJson>(`${PATH}/${data.id}`)).data;
    expect(one.results).toEqual([{ jobId: id, status: 'pending', code: null, message: null, finishedAt: null }]);
    const listed = await admin.get<BatchJson[]>(`${PATH}?limit=1`);
    expect(listed.data.map((batch) => batch.id)).toEqual([data.id]);
    expect(listed.meta.total).toBe(await api.countRows('batches'));
  });

  test('is ordered once under one Idempotency-Key', async () => {
    const key = { 'idempotency-key': `batch ${owners}` };
    const body = { action: 'cancel', owner: `Anna ${owners}` };
    const first = await admin.post<BatchJson>(PATH, body, key);
    const second = await admin.post<BatchJson>(PATH, body, key);
    expect(second.data.id).toBe(first.data.id);
    expect(api.batchStarts.filter((id) => id === first.data.id)).toHaveLength(1);
  });

  test('stands while Temporal is away: its start is owed', async () => {
    temporalIsAway = true;
    const { status, data } = await admin.post<BatchJson>(PATH, { action: 'cancel', owner: anna.ownerId });
    expect(status).toBe(202);
    expect(await api.database.knex('batches').where({ id: data.id }).first('started_at')).toEqual({ started_at: null });
  });

  test('is cancelled, again with 200, and not when it is over', async () => {
    const { data } = await admin.post<BatchJson>(PATH, { action: 'cancel', owner: anna.ownerId });
    const cancel = () => admin.post<BatchJson>(`${PATH}/${data.id}/actions`, { action: 'cancel' });
    expect((await cancel()).status).toBe(202);
    expect(api.cancels).toContain(`batch-${data.id}`);
    expect((await cancel()).status).toBe(200);
    await api.database.knex('batches').where({ id: data.id }).update({ status: 'completed' });
    const refused = await cancel();
    expect([refused.status, refused.error?.code]).toEqual([409, 'WRONG_STATE']);
  });
});

describe('the jobs of a batch', () => {
  test('of retries are those that failed in the time span, or lack something where that is asked for', async () => {
    const early = await ended('failed', '2026-01-01T00:00:00Z');
    const late = await ended('failed', '2026-01-02T00:00:00Z');
    const gaps = await ended('completed_with_gaps', '2026-01-02T00:00:00Z');
    await placeJob(api.database.knex, { ownerId: anna.ownerId, status: 'generating', clips: ['generating'] });
    const retry = { action: 'retry', owner: anna.ownerId, since: '2026-01-01T00:00:00Z' };
    expect(await preview(retry)).toEqual([early, late]);
    expect(await preview({ ...retry, until: '2026-01-02T00:00:00Z' })).toEqual([early]);
    expect(await preview({ ...retry, since: '2026-01-01T02:00:01+01:00' })).toEqual([late]);
    expect(await preview({ ...retry, withGaps: true })).toEqual([early, late, gaps]);
    await api.database.knex('jobs').where({ id: late }).update({ deleted_at: new Date() });
    expect(await preview({ ...retry, withGaps: true })).toEqual([early, gaps]);
  });

  test('of retries are those of a campaign, whoever asks', async () => {
    const client = await anna.post<{ id: string }>('/api/v3/clients', { name: 'a client' });
    const campaign = { clientId: client.data.id, name: 'a campaign', goal: 'to show rooms' };
    const { data } = await anna.post<{ id: string }>('/api/v3/campaigns', campaign);
    const inIt = await ended('failed', '2026-01-01T00:00:00Z', data.id);
    await ended('failed', '2026-01-01T00:00:00Z');
    expect(await preview({ action: 'retry', campaignId: data.id })).toEqual([inIt]);
  });

  test('of cancels are the open ones whose end nobody asked for', async () => {
    const { knex } = api.database;
    const open = await placeJob(knex, { ownerId: anna.ownerId, status: 'composing', clips: ['stored'] });
    const asked = await placeJob(knex, { ownerId: anna.ownerId, status: 'composing', clips: ['stored'] });
    await knex('jobs').where({ id: asked }).update({ cancel_requested_at: knex.fn.now() });
    await ended('failed', '2026-01-01T00:00:00Z');
    expect(await preview({ action: 'cancel', owner: anna.ownerId })).toEqual([open]);
    expect(await preview({ action: 'cancel', owner: `Anna ${owners}` })).toEqual([open]);
  });
});

describe('an order of a batch', () => {
  test.each([
    [{}, 'action'],
    [{ action: 'delete' }, 'action'],
    [{ action: 'retry' }, 'campaignId'],
    [{ action: 'retry', until: '2026-01-01T00:00:00Z' }, 'campaignId'],
    [{ action: 'retry', since: 'yesterday' }, 'since'],
    [{ action: 'retry', campaignId: 'x' }, 'campaignId'],
    [{ action: 'retry', campaignId: '0190a000-0000-7000-8000-000000000000' }, 'campaignId'],
    [{ action: 'cancel' }, 'owner'],
    [{ action: 'cancel', owner: 'nobody of that name' }, 'owner'],
    [{ action: 'cancel', owner: 'x', since: '2026-01-01T00:00:00Z' }, 'since'],
  ])('is refused: %j', async (body, path) => {
    const before = await api.countRows('batches');
    for (const answer of [await admin.post(PATH, body), await admin.post(`${PATH}/dry-run`, body)]) {
      expect([answer.status, answer.error?.details?.path]).toEqual([422, path]);
    }
    expect(await api.countRows('batches')).toBe(before);
  });

  test('is none of the business of a key without that right', async () => {
    const id = '0190a000-0000-7000-8000-000000000000';
    const body = { action: 'cancel', owner: anna.ownerId };
    const answers = [
      await anna.post(PATH, body),
      await anna.post(`${PATH}/dry-run`, body),
      await anna.get(PATH),
      await anna.get(`${PATH}/${id}`),
      await anna.post(`${PATH}/${id}/actions`, { action: 'cancel' }),
    ];
    for (const { status, error } of answers) expect([status, error?.code]).toEqual([403, 'FORBIDDEN']);
    expect((await admin.get(`${PATH}/${id}`)).status).toBe(404);
  });
});
