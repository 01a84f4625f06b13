/** Predictions through the real npm client. Videos are instant here: nothing is rendered. */
import type { Prediction } from 'replicate';
import { describe, expect, it } from 'vitest';
import {
  armFault,
  bought,
  boughtOne,
  call,
  INSTANT_BYTES,
  MUSICGEN_VERSION,
  startSilentServer,
  startTestServer,
  TOKEN,
  untilStatus,
  VEO_31_VERSION,
} from './test-kit.js';

const INPUT = { prompt: 'A kitchen', duration: 4 };
const OPTIONS = { model: 'google/veo-3.1-fast', input: INPUT };

describe('creating', () => {
  it('an official model by its name gives the provider’s object, and its output can be fetched', async () => {
    const server = await startTestServer({ instant: true });
    const created = await server.client.predictions.create(OPTIONS);
    const get = `${server.url}/predictions/${created.id}`;
    expect(created).toEqual({
      id: expect.stringMatching(/^[a-z2-7]{26}$/) as string,
      model: 'google/veo-3.1-fast',
      version: 'hidden',
      input: INPUT,
      logs: '',
      output: null,
      data_removed: false,
      error: null,
      source: 'api',
      status: 'starting',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
      urls: { web: `${server.origin}/p/${created.id}`, get, cancel: `${get}/cancel` },
    });

    const done = await server.client.wait(created, { interval: 10 });
    expect(done).toMatchObject({
      status: 'succeeded',
      error: null,
      data_removed: false,
      metrics: {
        predict_time: expect.any(Number) as number,
        total_time: expect.any(Number) as number,
        video_output_duration_seconds: 4,
        with_audio: true,
      },
      started_at: expect.any(String) as string,
      completed_at: expect.any(String) as string,
    });
    expect(done.output).toMatch(new RegExp(`^${server.origin}/_delivery/[0-9A-Za-z]{43}/output\\.mp4$`));
    const output = await fetch(String(done.output));
    expect(output.headers.get('content-type')).toBe('video/mp4');
    expect(output.headers.get('content-length')).toBe(String(INSTANT_BYTES.length));
    expect(Buffer.from(await output.arrayBuffer())).toEqual(INSTANT_BYTES);
  });

  it('answers 201 without Prefer', async () => {
    const server = await startTestServer({ instant: true });
    const answer = await call(server, 'POST', '/models/google/veo-3/predictions', { body: { input: INPUT } });
    expect(answer.status).toBe(201);
  });

  it.each([
    [VEO_31_VERSION, 'google/veo-3.1', VEO_31_VERSION],
    [`google/veo-3.1:${VEO_31_VERSION}`, 'google/veo-3.1', VEO_31_VERSION],
    ['google/veo-3.1', 'google/veo-3.1', 'hidden'],
    [MUSICGEN_VERSION, 'meta/musicgen', MUSICGEN_VERSION],
  ])('by version %s runs %s', async (version, model, shown) => {
    const server = await startTestServer({ instant: true });
    const created = await server.client.predictions.create({ version, input: { prompt: 'x' } });
    expect(created).toMatchObject({ model, version: shown, status: 'starting' });
    await server.client.predictions.cancel(created.id);
  });

  it.each(['meta/musicgen', 'f'.repeat(64), `google/veo-3:${VEO_31_VERSION}`, 'nobody/nothing', ''])(
    'the version "%s" does not exist: 422, and nothing is bought',
    async (version) => {
      const server = await startTestServer({ instant: true });
      const answer = await call(server, 'POST', '/predictions', { body: { version, input: { prompt: 'x' } } });
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({ title: 'Invalid version or not permitted', status: 422 });
      expect(await bought(server)).toEqual([]);
    },
  );

  it.each(['nobody/nothing', 'meta/musicgen'])('%s does not run by name: 404', async (model) => {
    const server = await startTestServer({ instant: true });
    const answer = await call(server, 'POST', `/models/${model}/predictions`, { body: { input: { prompt: 'x' } } });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ detail: 'The requested resource could not be found.', status: 404 });
  });

  it('a refused input is the client’s ApiError 422 that names the fields, and nothing is bought', async () => {
    const server = await startTestServer({ instant: true });
    const refused = server.client.predictions.create({ ...OPTIONS, input: { prompt: 'x', duration: 5 } });
    await expect(refused).rejects.toThrow(
      /status 422 .*"detail":"- input\.duration: duration must be one of the following: 4, 6, 8\\n".*"title":"Input validation failed"|"title":"Input validation failed".*"detail":"- input\.duration/,
    );
    expect(await bought(server)).toEqual([]);
  });

  it('an unknown field of the body is refused by name', async () => {
    const server = await startTestServer({ instant: true });
    const body = { inptu: { text: 'Alice' } };
    const answer = await call(server, 'POST', '/models/google/veo-3/predictions', { body });
    expect(answer.status).toBe(422);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(await answer.json()).toEqual({
      title: 'Input validation failed',
      detail: '- input is required\n- Additional property inptu is not allowed\n',
      status: 422,
      invalid_fields: [
        { type: 'required', field: '', description: 'input is required' },
        { type: 'additional_property_not_allowed', field: '', description: 'Additional property inptu is not allowed' },
      ],
    });
  });

  it('a body that is no JSON is refused with 400', async () => {
    const server = await startTestServer();
    const answer = await fetch(`${server.url}/predictions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: '{"version": ',
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ status: 400, detail: 'The body is not valid JSON.' });
  });

  it.each([{}, { authorization: 'Bearer ' }, { authorization: 'Basic abc' }])(
    'without a token (%j) it is 401',
    async (headers) => {
      const server = await startTestServer({ instant: true });
      const answer = await fetch(`${server.url}/predictions`, { method: 'POST', headers });
      expect(answer.status).toBe(401);
      expect(await answer.json()).toEqual({
        title: 'Unauthenticated',
        detail: 'You did not pass a valid authentication token',
        status: 401,
      });
    },
  );

  it('beyond the limit is 429 with Retry-After, and creates nothing', async () => {
    const server = await startTestServer({ instant: true, createsPerMinute: 2 });
    const create = () => call(server, 'POST', '/models/google/veo-3/predictions', { body: { input: INPUT } });
    expect([(await create()).status, (await create()).status]).toEqual([201, 201]);
    const throttled = await create();
    expect(throttled.status).toBe(429);
    expect(throttled.headers.get('retry-after')).toBe('30');
    expect(await throttled.json()).toEqual({
      detail: 'Request was throttled. Your rate limit resets in ~30s.',
      status: 429,
      retry_after: 30,
    });
    expect(await bought(server)).toHaveLength(2);
    // Reading is not limited.
    expect((await call(server, 'GET', '/predictions')).status).toBe(200);
  });
});

describe('Prefer: wait', () => {
  it('gives the finished prediction, 201', async () => {
    const server = await startTestServer({ instant: true });
    const done = await server.client.predictions.create({ ...OPTIONS, wait: 10 });
    expect(done).toMatchObject({ status: 'succeeded', output: expect.stringContaining('/_delivery/') as string });
  });

  it('gives the unfinished one when the time is over, 202, and it keeps running', async () => {
    const server = await startTestServer({ instant: true });
    await armFault(server, { fault: 'slow', delayMs: 2_500 });
    const answer = await call(server, 'POST', '/models/google/veo-3/predictions', {
      body: { input: INPUT },
      headers: { prefer: 'wait=1' },
    });
    expect(answer.status).toBe(202);
    const prediction = (await answer.json()) as Prediction;
    expect(prediction).toMatchObject({ status: 'processing', output: null });
    expect(await untilStatus(server.client, prediction.id, 'succeeded')).toMatchObject({ error: null });
  });

  it('works with the client’s run(), which returns the output', async () => {
    const server = await startTestServer({ instant: true });
    const output = (await server.client.run('google/veo-3.1-fast', { input: INPUT })) as unknown as string;
    expect(output).toMatch(/\/output\.mp4$/);
  });
});

describe('Cancel-After', () => {
  const create = async (server: { url: string }, cancelAfter: string) => {
    const headers = { 'cancel-after': cancelAfter };
    return call(server, 'POST', '/models/google/veo-3/predictions', { body: { input: INPUT }, headers });
  };

  it('sets a deadline; past it a running prediction is canceled and charged', async () => {
    const server = await startTestServer({ instant: true });
    await armFault(server, { fault: 'hang' });
    const created = (await (await create(server, '5s')).json()) as Prediction;
    const lifetime = Date.parse(created.deadline ?? '') - Date.parse(created.created_at);
    expect(lifetime).toBe(5_000);
    await untilStatus(server.client, created.id, 'processing');
    const ended = await untilStatus(server.client, created.id, 'canceled', 'aborted');
    expect(ended.status).toBe('canceled');
    expect(Date.parse(ended.completed_at ?? '')).toBeGreaterThanOrEqual(Date.parse(created.deadline ?? ''));
    expect((await boughtOne(server, created.id)).priceUsd).toBe(1.6);
  });

  it('past it a prediction that has not started is aborted and not charged', async () => {
    // One slot, held by a music prediction whose input never answers.
    const server = await startTestServer({ maxRenders: 1, inputTimeoutMs: 60_000 });
    const silent = await startSilentServer();
    const holder = await server.client.predictions.create({
      version: MUSICGEN_VERSION,
      input: { input_audio: silent.url },
    });
    await untilStatus(server.client, holder.id, 'processing');
    const created = (await (await create(server, '5')).json()) as Prediction;
    const ended = await untilStatus(server.client, created.id, 'canceled', 'aborted');
    expect(ended.status).toBe('aborted');
    expect(ended.started_at).toBeUndefined();
    expect((await boughtOne(server, created.id)).priceUsd).toBe(0);
    await server.client.predictions.cancel(holder.id);
  });

  it('a prediction that ends in time is left alone', async () => {
    const server = await startTestServer({ instant: true });
    const created = (await (await create(server, '1h')).json()) as Prediction;
    expect((await untilStatus(server.client, created.id, 'succeeded')).deadline).toBe(created.deadline);
  });

  it('under 5 s is refused', async () => {
    const server = await startTestServer({ instant: true });
    expect((await create(server, '4s')).status).toBe(422);
    expect(await bought(server)).toEqual([]);
  });
});

describe('canceling', () => {
  it('a running prediction ends it, charged; a second time it is the same answer', async () => {
    const server = await startTestServer({ instant: true });
    await armFault(server, { fault: 'hang' });
    const { id } = await server.client.predictions.create(OPTIONS);
    await untilStatus(server.client, id, 'processing');
    const canceled = await server.client.predictions.cancel(id);
    expect(canceled).toMatchObject({
      id,
      status: 'canceled',
      output: null,
      completed_at: expect.any(String) as string,
    });
    expect(await server.client.predictions.cancel(id)).toEqual(canceled);
    expect((await boughtOne(server, id)).priceUsd).toBe(0.6);
  });

  it('a finished prediction changes nothing', async () => {
    const server = await startTestServer({ instant: true });
    const done = await server.client.predictions.create({ ...OPTIONS, wait: 10 });
    expect(await server.client.predictions.cancel(done.id)).toEqual(done);
  });

  it('an unknown prediction is 404', async () => {
    const server = await startTestServer();
    expect((await call(server, 'POST', '/predictions/unknown/cancel')).status).toBe(404);
    expect((await call(server, 'GET', '/predictions/unknown')).status).toBe(404);
  });
});
