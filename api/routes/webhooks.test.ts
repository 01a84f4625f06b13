import { once } from 'node:events';
import { connect } from 'node:net';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Caller, type RunningApi, signedHeaders, startApi } from '../../test/support/running-api.js';
import type { JobJson } from '../schemas/jobs.schema.js';

const PATH = '/api/v3/webhooks/replicate';

let api: RunningApi;
let anna: Caller;
let inboxBroken = false;
let temporal: 'up' | 'gone' | 'down' = 'up';
beforeAll(async () => {
  api = await startApi({
    deps: ({ webhooks }) => ({
      webhooks: {
        ...webhooks,
        receive: (webhook) => (inboxBroken ? Promise.reject(new Error('the disk is full')) : webhooks.receive(webhook)),
        async signal(workflowId, payload) {
          if (temporal === 'down') throw new Error('Temporal is down');
          return temporal === 'gone' ? 'gone' : await webhooks.signal(workflowId, payload);
        },
      },
    }),
  });
  anna = await api.caller('Anna');
});
afterAll(() => api.stop());
beforeEach(async () => {
  inboxBroken = false;
  temporal = 'up';
  api.signals.length = 0;
  await api.database.knex('webhook_inbox').delete();
});

const prediction = (id: string): string =>
  JSON.stringify({ id, status: 'succeeded', output: 'https://replicate.delivery/x.mp4' });

const send = (body: string, headers: Record<string, string>, query = '') =>
  api.call<{ received: string }>(PATH + query, { method: 'POST', headers, body });

/** A job whose first clip has bought this prediction, as the ledger notes it. */
async function purchase(predictionId: string): Promise<string> {
  const job = await anna.post<JobJson>('/api/v3/jobs', { kind: 'clips', clips: [{ prompt: 'x' }] });
  await api.database.knex('predictions').insert({
    id: uuidv7(),
    job_id: job.data.id,
    subject: 'clip:1',
    attempt: 1,
    model: 'google/veo-3.1-fast',
    fingerprint: predictionId,
    input: '{}',
    state: 'known',
    lease: uuidv7(),
    post_by: new Date(),
    provider_id: predictionId,
    estimate_usd: 0.8,
  });
  return job.data.id;
}

async function expectNothingTaken(): Promise<void> {
  await api.idle();
  expect(await api.countRows('webhook_inbox')).toBe(0);
  expect(api.signals).toEqual([]);
}

describe('a signed webhook', () => {
  test('is kept, answered with 200, and told to the generation that the ledger names', async () => {
    const jobId = await purchase('p1');
    const body = prediction('p1');
    const answer = await send(
      body,
      signedHeaders(body, { id: 'msg_a' }),
      '?workflow=video-job-00000000-0000-7000-8000-000000000000-clip-09',
    );
    expect(answer.status).toBe(200);
    expect(answer.data).toEqual({ received: 'new' });
    await api.idle();
    expect(api.signals).toEqual([{ workflowId: `video-job-${jobId}-clip-01`, predictionId: 'p1' }]);
    const row = await api.database.knex('webhook_inbox').first();
    expect(row).toMatchObject({ webhook_id: 'msg_a', prediction_id: 'p1', body: JSON.parse(body) });
  });

  test('that comes twice is kept once, and told twice: whoever took the first may have died before telling', async () => {
    await purchase('p2');
    const body = prediction('p2');
    const headers = signedHeaders(body, { id: 'msg_b' });
    expect((await send(body, headers)).data).toEqual({ received: 'new' });
    const again = await send(body, headers);
    expect([again.status, again.data]).toEqual([200, { received: 'known' }]);
    await api.idle();
    expect(await api.countRows('webhook_inbox')).toBe(1);
    expect(api.signals).toHaveLength(2);
  });

  test('of a prediction that the ledger does not know is told to the generation that its URL hints at', async () => {
    const body = prediction('p3');
    const hint = 'video-job-01890a5d-ac96-774b-bcce-b302099a8057-music-01';
    expect((await send(body, signedHeaders(body), `?workflow=${hint}`)).status).toBe(200);
    await api.idle();
    expect(api.signals).toEqual([{ workflowId: hint, predictionId: 'p3' }]);
  });

  test.each(['', '?workflow=video-job-01890a5d-ac96-774b-bcce-b302099a8057', '?workflow=reconcile', '?workflow=x%20y'])(
    'of an unknown prediction is kept and told to nobody with the hint %j',
    async (query) => {
      const body = prediction('p4');
      expect((await send(body, signedHeaders(body), query)).status).toBe(200);
      await api.idle();
      expect(api.signals).toEqual([]);
      expect(await api.countRows('webhook_inbox')).toBe(1);
    },
  );

  test.each(['gone', 'down'] as const)(
    'is kept and answered with 200 when the workflow or Temporal is %s',
    async (state) => {
      temporal = state;
      await purchase(`p5-${state}`);
      const body = prediction(`p5-${state}`);
      expect((await send(body, signedHeaders(body))).status).toBe(200);
      await api.idle();
      expect(await api.countRows('webhook_inbox')).toBe(1);
    },
  );

  test('that cannot be kept is answered with 503, so that the provider sends it again', async () => {
    inboxBroken = true;
    const body = prediction('p6');
    const answer = await send(body, signedHeaders(body));
    expect(answer.status).toBe(503);
    expect(answer.error).toMatchObject({ code: 'NOT_READY' });
    expect(answer.error?.message).not.toContain('disk');
    await expectNothingTaken();
  });

  test.each<[string, string, number, string]>([
    ['no JSON', '{"id":', 400, 'MALFORMED_JSON'],
    ['no object', '[]', 422, 'VALIDATION_FAILED'],
    ['no id', '{"status":"succeeded"}', 422, 'VALIDATION_FAILED'],
    ['an id that is none', '{"id":"a b"}', 422, 'VALIDATION_FAILED'],
    ['more than 1 MB', `{"id":"p","logs":"${'x'.repeat(1_100_000)}"}`, 413, 'BODY_TOO_LARGE'],
  ])('with %s is refused and not kept', async (_what, body, status, code) => {
    const answer = await send(body, signedHeaders(body));
    expect(answer.status).toBe(status);
    expect(answer.error?.code).toBe(code);
    await expectNothingTaken();
  });
});

describe('a webhook that comes in pieces or too large', () => {
  test.each([
    ['signed', true],
    ['forged', false],
  ])('of 10 MB is refused before it is read, %s or not, and its sender gets to read why', async (_what, signed) => {
    const body = `{"id":"p9","logs":"${'x'.repeat(10 * 1024 * 1024)}"}`;
    const headers = signedHeaders(signed ? body : prediction('p9'));
    const answer = await send(body, headers);
    expect([answer.status, answer.error?.code]).toEqual([413, 'BODY_TOO_LARGE']);
    await expectNothingTaken();
  });

  test('of 10 MB without a stated length is refused as well', async () => {
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let count = 0; count < 160; count += 1) controller.enqueue(new Uint8Array(64 * 1024).fill(120));
        controller.close();
      },
    });
    const init = { method: 'POST', headers: signedHeaders('x'), body: pieces, duplex: 'half' } as RequestInit;
    const answer = await api.call(PATH, init);
    expect([answer.status, answer.error?.code]).toEqual([413, 'BODY_TOO_LARGE']);
    await expectNothingTaken();
  });

  test.each([0, 1, 20])(
    'that lacks all but %i of its bytes is refused: its signature is of the whole',
    async (kept) => {
      const body = prediction('p10');
      const answer = await send(body.slice(0, kept), signedHeaders(body));
      expect([answer.status, answer.error?.code]).toEqual([401, 'INVALID_SIGNATURE']);
      await expectNothingTaken();
    },
  );

  test('whose sender leaves in the middle is not taken', async () => {
    const body = prediction('p11');
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    const headers = { ...signedHeaders(body), host: 'x', 'content-length': String(body.length) };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    socket.end(`POST ${PATH} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body.slice(0, 20)}`);
    await once(socket.resume(), 'close');
    await expectNothingTaken();
  });

  test('replayed with a new id or a new time is not signed any more', async () => {
    const body = prediction('p12');
    const headers = signedHeaders(body, { at: new Date(Date.now() - 10 * 60_000) });
    const now = String(Math.floor(Date.now() / 1000));
    for (const forged of [headers, { ...headers, 'webhook-timestamp': now }, { ...headers, 'webhook-id': 'msg_new' }]) {
      expect((await send(body, forged)).error?.code).toBe('INVALID_SIGNATURE');
    }
    await expectNothingTaken();
  });
});

describe('a webhook that is not signed as it should be', () => {
  const body = prediction('p7');
  const minutes = (count: number): Date => new Date(Date.now() + count * 60_000);
  test.each<[string, () => Record<string, string>]>([
    ['no signature headers', () => ({ 'content-type': 'application/json' })],
    ['no id', () => ({ ...signedHeaders(body), 'webhook-id': '' })],
    ['another body', () => signedHeaders(prediction('p8'))],
    ['another secret', () => signedHeaders(body, { secret: `whsec_${Buffer.alloc(32, 8).toString('base64')}` })],
    ['another id', () => ({ ...signedHeaders(body), 'webhook-id': 'msg_other' })],
    [
      'a signature of another version',
      () => ({
        ...signedHeaders(body),
        'webhook-signature': signedHeaders(body)['webhook-signature']?.replace('v1,', 'v2,') ?? '',
      }),
    ],
    ['a timestamp of 6 minutes ago', () => signedHeaders(body, { at: minutes(-6) })],
    ['a timestamp in 6 minutes', () => signedHeaders(body, { at: minutes(6) })],
    ['a timestamp that is none', () => ({ ...signedHeaders(body), 'webhook-timestamp': 'now' })],
  ])('with %s is refused with 401 and has no effect', async (_what, headers) => {
    const answer = await send(body, headers());
    expect(answer.status).toBe(401);
    expect(answer.error?.code).toBe('INVALID_SIGNATURE');
    await expectNothingTaken();
  });

  test('is taken with one good signature among others, and 4 minutes old', async () => {
    const headers = signedHeaders(body, { at: minutes(-4) });
    const signatures = `v1,${Buffer.alloc(32).toString('base64')} ${headers['webhook-signature']} v1a,xyz`;
    expect((await send(body, { ...headers, 'webhook-signature': signatures })).status).toBe(200);
  });
});
