import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import type { Knex } from 'knex';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { jpeg, newCampaign } from '../test/support/api-fixtures.js';
import { placeJob, placePurchase } from '../test/support/money-fixtures.js';
import { type ApiAnswer, type Caller, form, type RunningApi, startApi } from '../test/support/running-api.js';
import type { JobJson } from './schemas/jobs.schema.js';

let api: RunningApi;
let anna: Caller;
let ben: Caller;
let knex: Knex;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
  ({ knex } = api.database);
});
afterAll(() => api.stop());
beforeEach(() => {
  api.starts.length = 0;
});

const JOBS = '/api/v3/jobs';
const ORDER = { kind: 'clips', clips: [{ prompt: 'The pool at noon' }] };
const keyed = (key: string) => ({ 'Idempotency-Key': key });
const order = (key: string, body: unknown = ORDER, caller = anna): Promise<ApiAnswer<JobJson>> =>
  caller.post<JobJson>(JOBS, body, keyed(key));

/** What of an answer is the same when it is given again. */
const said = ({ status, headers, data }: ApiAnswer<unknown>) => ({ status, location: headers.get('location'), data });

async function failedJob(budgetUsd?: number): Promise<string> {
  const budget = budgetUsd === undefined ? {} : { budgetUsd };
  const id = await placeJob(knex, { ownerId: anna.ownerId, status: 'failed', clips: ['failed'], ...budget });
  await placePurchase(knex, {
    jobId: id,
    state: 'failed',
    costUsd: 0,
    error: { code: 'PROVIDER_REFUSED_CONTENT', message: 'refused' },
  });
  return id;
}

describe('the same request with the same key', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['/api/v3/clients', async () => ({ name: 'Villas Ltd' })],
    ['/api/v3/campaigns', async () => ({ clientId: (await newCampaign(anna)).clientId, name: 'Spring', goal: 'sell' })],
    ['/api/v3/jobs', async () => ORDER],
    [
      '/api/v3/assets',
      async () => ({ file: await jpeg(), name: 'Picture', type: 'image', tags: '["Bedroom 1"]' }) as const,
    ],
  ])('of POST %s gets the same status, Location and data, and makes one row', async (path, makeBody) => {
    const table = path.split('/').at(-1) ?? '';
    const body = await makeBody();
    const send = () =>
      anna.post(path, path.endsWith('assets') ? form(body as Record<string, string | Buffer>) : body, keyed(table));
    const before = await api.countRows(table);
    const first = await send();
    const again = await send();
    expect(first.status).toBeLessThan(300);
    expect(first.headers.get('location')).toMatch(/^\/api\/v3\//);
    expect(said(again)).toEqual(said(first));
    expect(again.meta.requestId).not.toBe(first.meta.requestId);
    expect(await api.countRows(table)).toBe(before + 1);
    expect(await api.uploadsLeft()).toEqual([]);
  });

  test('is the same request in whatever order its fields come', async () => {
    const first = await order('k-order', '{"kind":"clips","clips":[{"prompt":"x","durationSeconds":4}]}');
    const again = await order('k-order', '{ "clips": [{"durationSeconds": 4, "prompt": "x"}], "kind": "clips" }');
    expect(said(again)).toEqual(said(first));
  });

  test('gets the same answer also when the job has moved on, and starts no other run', async () => {
    const first = await order('k-moved');
    expect(api.starts).toHaveLength(1);
    await knex('jobs').where({ id: first.data.id }).update({ status: 'generating', name: 'another' });
    expect(said(await order('k-moved'))).toEqual(said(first));
    expect(api.starts).toHaveLength(1);
  });

  test('sent twice at once makes one job and one run', async () => {
    const before = await api.countRows('jobs');
    const answers = await Promise.all(Array.from({ length: 6 }, () => order('k-twice')));
    expect(await api.countRows('jobs')).toBe(before + 1);
    expect(api.starts).toHaveLength(1);
    const taken = answers.filter(({ status }) => status === 202);
    expect(taken.length).toBeGreaterThanOrEqual(1);
    for (const answer of taken) expect(said(answer)).toEqual(said(taken[0] as ApiAnswer<JobJson>));
    for (const { status, error } of answers) if (status !== 202) expect(error?.code).toBe('IDEMPOTENCY_KEY_IN_USE');
  });

  test('is a new one for another owner, another route and another address', async () => {
    const [hers, his] = [await order('k-own'), await order('k-own', ORDER, ben)];
    expect(his.status).toBe(202);
    expect(his.data.id).not.toBe(hers.data.id);
    expect((await anna.post('/api/v3/clients', { name: 'x' }, keyed('k-own'))).status).toBe(201);
    for (const id of [hers.data.id, (await order('k-second')).data.id]) {
      const answer = await anna.post<JobJson>(`${JOBS}/${id}/actions`, { action: 'cancel' }, keyed('k-own'));
      expect([answer.status, answer.data.id]).toEqual([202, id]);
    }
  });

  test('is a new one after 24 hours, and the answer that is past its time is gone', async () => {
    const first = await order('k-old');
    await order('k-swept');
    await knex('idempotency_keys')
      .whereIn('key', ['k-old', 'k-swept'])
      .update({ created_at: knex.raw(`now() - interval '24 hours 1 minute'`) });
    const second = await order('k-old', { ...ORDER, name: 'another' });
    expect(second.status).toBe(202);
    expect(second.data.id).not.toBe(first.data.id);
    expect(said(await order('k-old', { ...ORDER, name: 'another' }))).toEqual(said(second));
    expect(await knex('idempotency_keys').where({ key: 'k-swept' })).toEqual([]);
  });
});

describe('another request with the same key', () => {
  test('is refused, and nothing is made', async () => {
    await order('k-other');
    const before = await api.countRows('jobs');
    const answer = await order('k-other', { ...ORDER, name: 'another' });
    expect([answer.status, answer.error?.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(await api.countRows('jobs')).toBe(before);
  });

  test('is refused for an upload with another file or another text', async () => {
    const upload = (red: number, name: string) =>
      jpeg(red).then((file) => anna.post('/api/v3/assets', form({ file, name, type: 'image' }), keyed('k-file')));
    expect((await upload(1, 'a')).status).toBe(201);
    const before = await api.countRows('assets');
    for (const [red, name] of [
      [2, 'a'],
      [1, 'b'],
    ] as const) {
      expect((await upload(red, name)).error?.code).toBe('IDEMPOTENCY_KEY_REUSED');
    }
    expect(await api.countRows('assets')).toBe(before);
  });
});

describe('a request that is refused or dies', () => {
  test('keeps no answer: what was refused is tried again under its key', async () => {
    const id = await failedJob(0.1);
    const retry = () => anna.post<JobJson>(`${JOBS}/${id}/actions`, { action: 'retry' }, keyed('k-refused'));
    expect((await retry()).error?.code).toBe('BUDGET_EXCEEDED');
    expect(await knex('idempotency_keys').where({ key: 'k-refused' })).toEqual([]);
    await knex('jobs').where({ id }).update({ budget_usd: null });
    expect((await retry()).status).toBe(202);
  });

  test('makes nothing when its key cannot be kept: both are one transaction', async () => {
    await knex.raw(`ALTER TABLE idempotency_keys ADD CONSTRAINT no_room CHECK (key <> 'k-full') NOT VALID`);
    const before = [await api.countRows('jobs'), await api.countRows('clips')];
    expect((await order('k-full')).status).toBe(500);
    expect([await api.countRows('jobs'), await api.countRows('clips')]).toEqual(before);
    expect(api.starts).toEqual([]);
    await knex.raw('ALTER TABLE idempotency_keys DROP CONSTRAINT no_room');
    expect((await order('k-full')).status).toBe(202);
  });

  test('holds its key only as long as it lives', async () => {
    const id = await failedJob();
    const path = `${JOBS}/${id}/actions`;
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...keyed('k-killed') },
      body: JSON.stringify({ action: 'retry' }),
    };
    const blocker = await knex.transaction();
    await blocker('jobs').where({ id }).forUpdate().select('id');
    const first = anna.fetch(path, init);
    const pid = await blockedBackend();
    const second = await anna.post(path, { action: 'retry' }, keyed('k-killed'));
    expect([second.status, second.error?.code]).toEqual([409, 'IDEMPOTENCY_KEY_IN_USE']);
    expect(second.headers.get('retry-after')).toBe('1');
    await knex.raw('SELECT pg_terminate_backend(?)', [pid]);
    expect((await first).status).toBeGreaterThanOrEqual(500);
    await blocker.rollback();
    const third = await anna.post<JobJson>(path, { action: 'retry' }, keyed('k-killed'));
    expect([third.status, third.data.status]).toEqual([202, 'queued']);
  });

  /** Waits until a request hangs in its transaction, and gives the process id of its connection's backend. */
  async function blockedBackend(): Promise<number> {
    for (;;) {
      const { rows } = await knex.raw<{ rows: { pid: number }[] }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      if (rows[0] !== undefined) return rows[0].pid;
    }
  }
});

describe('an upload with a key', () => {
  test('holds neither key nor transaction while its bytes come in; the one that came first in full is the answer', async () => {
    const file = await jpeg(77);
    const boundary = randomUUID();
    const part = (head: string, value: string | Buffer): Buffer =>
      Buffer.concat([
        Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n`),
        Buffer.from(value),
        Buffer.from('\r\n'),
      ]);
    const whole = Buffer.concat([
      part('name="name"', 'Slow'),
      part('name="type"', 'image'),
      part('name="file"; filename="a.jpg"', file),
      Buffer.from(`--${boundary}--\r\n`),
    ]);
    const slow = request(`${api.url}/api/v3/assets`, {
      method: 'POST',
      headers: {
        'x-api-key': anna.key,
        'content-type': `multipart/form-data; boundary=${boundary}`,
        'content-length': whole.length,
        ...keyed('k-slow'),
      },
    });
    const answered = new Promise<{ data: { id: string } }>((resolve, reject) => {
      slow.on('error', reject).on('response', (response) => {
        response.toArray().then((chunks) => resolve(JSON.parse(Buffer.concat(chunks).toString())), reject);
      });
    });
    await new Promise((resolve) => slow.write(whole.subarray(0, whole.length - 20), resolve));
    while ((await api.uploadsLeft()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const { rows } = await knex.raw(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
    );
    expect(rows).toEqual([]);
    const quick = await anna.post('/api/v3/assets', form({ file, name: 'Slow', type: 'image' }), keyed('k-slow'));
    expect(quick.status).toBe(201);
    slow.end(whole.subarray(whole.length - 20));
    expect((await answered).data.id).toBe(quick.data['id']);
  });
});

describe('a key', () => {
  test.each([
    ['is empty', ''],
    ['is longer than 255 characters', 'k'.repeat(256)],
    ['has other characters than printable ASCII', 'cl\u00e9'],
    ['has a control character', 'a\tb'],
  ])('that %s is refused', async (_what, key) => {
    const before = await api.countRows('clients');
    const answer = await anna.post('/api/v3/clients', { name: 'x' }, keyed(key));
    expect([answer.status, answer.error?.details?.path]).toEqual([422, 'Idempotency-Key']);
    expect(await api.countRows('clients')).toBe(before);
  });

  test('of 255 characters is taken', async () => {
    expect((await anna.post('/api/v3/clients', { name: 'x' }, keyed(`~ ${'k'.repeat(253)}`))).status).toBe(201);
  });

  test('is documented for every route that takes one', async () => {
    const { paths } = (await (await fetch(`${api.url}/api/v3/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { parameters: { name: string; in: string }[] }>>;
    };
    const taking = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item)
        .filter(([, { parameters }]) => parameters.some((one) => one.in === 'header' && one.name === 'Idempotency-Key'))
        .map(([method]) => `${method} ${path.replace('/api/v3', '')}`),
    );
    expect(taking.sort()).toEqual([
      'post /admin/batches',
      'post /admin/batches/{id}/actions',
      'post /assets',
      'post /campaigns',
      'post /clients',
      'post /combined-videos/{id}/actions',
      'post /exports/{id}/actions',
      'post /jobs',
      'post /jobs/{id}/actions',
      'post /jobs/{id}/clips/{number}/decision',
      'post /jobs/{id}/clips/{number}/regenerate',
      'post /videos/combine',
      'post /videos/{id}/exports',
      'post /videos/{id}/links',
    ]);
  });
});
