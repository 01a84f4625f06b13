/** Every fault, armed over HTTP and met by the real client. */
import type { Prediction } from 'replicate';
import { describe, expect, it } from 'vitest';
import type { ArmedFault } from './faults.js';
import {
  armFault,
  bought,
  boughtOne,
  call,
  MUSICGEN_VERSION,
  startReceiver,
  startTestServer,
  until,
  untilStatus,
} from './test-kit.js';

const OPTIONS = { model: 'google/veo-3.1-fast', input: { prompt: 'A red kitchen', duration: 4 } } as const;
const COMPLETED = { webhook_events_filter: ['completed' as const] };
const ROUTE = '/models/google/veo-3.1-fast/predictions';

async function armed(server: { origin: string }): Promise<ArmedFault[]> {
  return (await (await fetch(`${server.origin}/_local/faults`)).json()) as ArmedFault[];
}

async function listedIds(server: { url: string }): Promise<string[]> {
  const { results } = (await (await call(server, 'GET', '/predictions')).json()) as { results: Prediction[] };
  return results.map((one) => one.id);
}

describe('arming', () => {
  it('answers 201 with the fault and its defaults, lists it, and clears it', async () => {
    const server = await startTestServer();
    const answer = await armFault(server, { fault: 'slow', match: { model: 'veo-3' } });
    expect(answer.status).toBe(201);
    const fault = (await answer.json()) as ArmedFault;
    expect(fault).toMatchObject({
      fault: 'slow',
      match: { model: 'veo-3' },
      times: 1,
      remaining: 1,
      struck: 0,
      delayMs: 5_000,
    });
    expect(await armed(server)).toEqual([fault]);
    expect(await armed({ origin: server.url })).toEqual([fault]);
    expect((await fetch(`${server.origin}/_local/faults`, { method: 'DELETE' })).status).toBe(204);
    expect(await armed(server)).toEqual([]);
  });

  it.each([
    [{}, 'fault'],
    [{ fault: 'explode' }, 'fault'],
    [{ fault: 'hang', times: 0 }, 'times'],
    [{ fault: 'hang', times: -2 }, 'times'],
    [{ fault: 'hang', times: 1.5 }, 'times'],
    [{ fault: 'slow', delayMs: 'long' }, 'delayMs'],
    [{ fault: 'slow', delayMs: -1 }, 'delayMs'],
    [{ fault: 'fail', error: '' }, 'error'],
    [{ fault: 'hang', match: { prompt: 'x' } }, 'match'],
    [{ fault: 'hang', error: 'x' }, ''],
    [{ fault: 'http-500', on: 'everything' }, 'on'],
  ])('%j is refused with 422 that names the field "%s"', async (body, field) => {
    const server = await startTestServer();
    const answer = await armFault(server, body);
    expect(answer.status).toBe(422);
    const problem = (await answer.json()) as { invalid_fields: { field: string }[]; detail: string };
    expect(problem.invalid_fields.map((one) => one.field)).toEqual([field]);
    expect(problem.detail).not.toBe('');
    expect(await armed(server)).toEqual([]);
  });

  it('a fault strikes as often as it was armed for, and only what it matches', async () => {
    const server = await startTestServer({ instant: true });
    await armFault(server, { fault: 'fail', times: 2, match: { model: 'google/veo-3', promptIncludes: 'red' } });
    const run = async (model: `${string}/${string}`, prompt: string) =>
      (await server.client.predictions.create({ model, input: { prompt }, wait: 10 })).status;
    expect(await run('google/veo-3.1', 'red')).toBe('succeeded');
    expect(await run('google/veo-3', 'blue')).toBe('succeeded');
    expect(await run('google/veo-3', 'a red room')).toBe('failed');
    expect(await armed(server)).toMatchObject([{ remaining: 1, struck: 1 }]);
    expect(await run('google/veo-3', 'redder')).toBe('failed');
    expect(await run('google/veo-3', 'red')).toBe('succeeded');
    expect(await armed(server)).toEqual([]);
  });

  it('with times -1 it strikes until cleared; a short model name is enough', async () => {
    const server = await startTestServer({ instant: true });
    await armFault(server, { fault: 'fail', times: -1, match: { model: 'veo-3.1-fast' } });
    const run = async () => (await server.client.predictions.create({ ...OPTIONS, wait: 10 })).status;
    expect([await run(), await run(), await run()]).toEqual(['failed', 'failed', 'failed']);
    await fetch(`${server.origin}/_local/faults`, { method: 'DELETE' });
    expect(await run()).toBe('succeeded');
  });

  it('a create that is refused anyway uses up no fault', async () => {
    const server = await startTestServer({ instant: true });
    await armFault(server, { fault: 'hang' });
    expect((await call(server, 'POST', ROUTE, { body: { input: {} } })).status).toBe(422);
    expect(await armed(server)).toMatchObject([{ remaining: 1 }]);
  });
});

describe('a refused create', () => {
  it.each([
    [{ fault: 'http-429', retryAfterSeconds: 7 }, 429, { status: 429, retry_after: 7 }, '7'],
    [{ fault: 'http-500' }, 500, { status: 500, title: 'Internal server error' }, null],
    [{ fault: 'http-402' }, 402, { status: 402, title: 'Insufficient credit' }, null],
  ])('%j is that status, and nothing is bought', async (fault, status, problem, retryAfter) => {
    const server = await startTestServer({ instant: true });
    await armFault(server, fault);
    const answer = await call(server, 'POST', ROUTE, { body: { input: OPTIONS.input } });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBe(retryAfter);
    expect(await answer.json()).toMatchObject(problem);
    expect(await bought(server)).toEqual([]);
    expect((await call(server, 'POST', ROUTE, { body: { input: OPTIONS.input } })).status).toBe(201);
  });

  it('500 and 429 strike the other requests where they are told to', async () => {
    const server = await startTestServer({ instant: true });
    const { id, output } = await server.client.predictions.create({ ...OPTIONS, wait: 10 });
    const requests = {
      get: () => call(server, 'GET', `/predictions/${id}`),
      list: () => call(server, 'GET', '/predictions'),
      cancel: () => call(server, 'POST', `/predictions/${id}/cancel`),
      files: () => call(server, 'GET', '/files'),
      download: () => fetch(String(output)),
    };
    for (const [on, request] of Object.entries(requests)) {
      await armFault(server, { fault: 'http-500', on });
      expect([on, (await request()).status, (await request()).status]).toEqual([on, 500, 200]);
    }
  });
});

describe('a create without its answer', () => {
  it('created-500: the answer is 500 and the prediction runs', async () => {
    const server = await startTestServer({ instant: true });
    await armFault(server, { fault: 'created-500' });
    expect((await call(server, 'POST', ROUTE, { body: { input: OPTIONS.input } })).status).toBe(500);
    const [one, ...others] = await bought(server);
    expect(others).toEqual([]);
    expect(one?.model).toBe(OPTIONS.model);
    await untilStatus(server.client, String(one?.id), 'succeeded');
  });

  it('lost-answer: the connection is cut and the prediction runs', async () => {
    const server = await startTestServer({ instant: true });
    await armFault(server, { fault: 'lost-answer' });
    await expect(call(server, 'POST', ROUTE, { body: { input: OPTIONS.input } })).rejects.toThrow('fetch failed');
    const [one, ...others] = await bought(server);
    expect(others).toEqual([]);
    await untilStatus(server.client, String(one?.id), 'succeeded');
    expect(await listedIds(server)).toEqual([one?.id]);
  });

  it('lost-answer makes the real client post again by itself, which buys twice', async () => {
    const server = await startTestServer({ instant: true });
    await armFault(server, { fault: 'lost-answer' });
    await server.client.predictions.create(OPTIONS);
    expect(await bought(server)).toHaveLength(2);
  });
});

describe('what the provider shows', () => {
  it('list-lag: missing from the list for that long, but not from get', async () => {
    const server = await startTestServer({ instant: true });
    await armFault(server, { fault: 'list-lag', delayMs: 1_500 });
    const { id, created_at } = await server.client.predictions.create(OPTIONS);
    expect(await listedIds(server)).toEqual([]);
    expect((await server.client.predictions.get(id)).id).toBe(id);
    await until('it is listed', async () => (await listedIds(server)).includes(id));
    expect(Date.now() - Date.parse(created_at)).toBeGreaterThanOrEqual(1_500);
  });

  it('input-erased: list and get show no input, what was bought does', async () => {
    const server = await startTestServer({ instant: true });
    await armFault(server, { fault: 'input-erased' });
    const { id } = await server.client.predictions.create({ ...OPTIONS, wait: 10 });
    const shown = { id, input: {}, data_removed: true };
    expect(await server.client.predictions.get(id)).toMatchObject(shown);
    expect((await server.client.predictions.list()).results).toMatchObject([shown]);
    expect((await boughtOne(server, id)).input).toEqual(OPTIONS.input);
  });
});

describe('how a prediction runs', () => {
  it('fail: it starts and fails with that error, uncharged', async () => {
    const server = await startTestServer({ instant: true });
    const error = 'The input or output was flagged as sensitive. (E005)';
    await armFault(server, { fault: 'fail', error });
    const failed = await server.client.predictions.create({ ...OPTIONS, wait: 10 });
    expect(failed).toMatchObject({ status: 'failed', error, output: null, started_at: expect.any(String) as string });
    expect((await boughtOne(server, failed.id)).priceUsd).toBe(0);
  });

  it('hang: a release lets it go on', async () => {
    const server = await startTestServer({ instant: true });
    await armFault(server, { fault: 'hang' });
    const { id } = await server.client.predictions.create(OPTIONS);
    await untilStatus(server.client, id, 'processing');
    const release = (of: string) => fetch(`${server.origin}/_local/predictions/${of}/release`, { method: 'POST' });
    expect((await release('no-such-prediction')).status).toBe(404);
    expect((await release(id)).status).toBe(204);
    await untilStatus(server.client, id, 'succeeded');
  });

  it('hang: it stays processing, and holds no render slot', async () => {
    const server = await startTestServer({ maxRenders: 1 });
    await armFault(server, { fault: 'hang' });
    const { id } = await server.client.predictions.create(OPTIONS);
    await untilStatus(server.client, id, 'processing');
    const input = { prompt: 'calm', duration: 1 };
    const other = await server.client.predictions.create({ version: MUSICGEN_VERSION, input, wait: 60 });
    expect(other.status).toBe('succeeded');
    expect((await server.client.predictions.get(id)).status).toBe('processing');
  });

  it('slow: it takes that much longer', async () => {
    const server = await startTestServer({ instant: true });
    await armFault(server, { fault: 'slow', delayMs: 300 });
    const { id } = await server.client.predictions.create(OPTIONS);
    const done = await untilStatus(server.client, id, 'succeeded');
    expect(Date.parse(done.completed_at ?? '') - Date.parse(done.started_at ?? '')).toBeGreaterThanOrEqual(299);
  });

  it('aborted: it ends before it started, uncharged, and no webhook tells it', async () => {
    const server = await startTestServer({ instant: true });
    const receiver = await startReceiver();
    await armFault(server, { fault: 'aborted' });
    const { id } = await server.client.predictions.create({ ...OPTIONS, webhook: receiver.url });
    const ended = await untilStatus(server.client, id, 'aborted');
    expect(ended.started_at).toBeUndefined();
    expect(await boughtOne(server, id)).toMatchObject({ priceUsd: 0, deliveries: [] });
    expect(receiver.received).toEqual([]);
  });
});

describe('webhooks', () => {
  it('no-webhook: none is ever sent', async () => {
    const server = await startTestServer({ instant: true });
    const receiver = await startReceiver();
    await armFault(server, { fault: 'no-webhook' });
    const silent = await server.client.predictions.create({ ...OPTIONS, webhook: receiver.url, wait: 10 });
    const next = await server.client.predictions.create({ ...OPTIONS, ...COMPLETED, webhook: receiver.url });
    await until('the next one’s has arrived', () => receiver.received.length > 0);
    expect(receiver.received.map((one) => one.prediction.id)).toEqual([next.id]);
    expect((await boughtOne(server, silent.id)).deliveries).toEqual([]);
  });

  it('duplicate-webhook: the last one comes twice, with one id', async () => {
    const server = await startTestServer({ instant: true });
    const receiver = await startReceiver();
    await armFault(server, { fault: 'duplicate-webhook' });
    const { id } = await server.client.predictions.create({ ...OPTIONS, ...COMPLETED, webhook: receiver.url });
    await until('both have arrived', async () => (await boughtOne(server, id)).deliveries[0]?.state === 'delivered');
    expect(receiver.received.map((one) => one.prediction.status)).toEqual(['succeeded', 'succeeded']);
    expect(new Set(receiver.received.map((one) => one.headers['webhook-id'])).size).toBe(1);
  });

  it('late-webhook: it comes that long after the end', async () => {
    const server = await startTestServer({ instant: true });
    const receiver = await startReceiver();
    await armFault(server, { fault: 'late-webhook', delayMs: 300 });
    const { id } = await server.client.predictions.create({ ...OPTIONS, ...COMPLETED, webhook: receiver.url });
    const done = await untilStatus(server.client, id, 'succeeded');
    await until('it has arrived', () => receiver.received.length > 0);
    const [delivery] = (await boughtOne(server, id)).deliveries as unknown as [{ attempts: { at: string }[] }];
    expect(Date.parse(delivery.attempts[0]?.at ?? '') - Date.parse(done.completed_at ?? '')).toBeGreaterThanOrEqual(
      299,
    );
  });
});
