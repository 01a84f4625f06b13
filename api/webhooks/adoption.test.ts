import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type LedgerRow, purchasesOf } from '../../storage/ledger.js';
import { adoptFromInbox } from '../../storage/webhook-inbox.js';
import { insertPurchase, type LedgerRowOptions, VEO } from '../../test/support/ledger-rows.js';
import { type Caller, type RunningApi, signedHeaders, startApi } from '../../test/support/running-api.js';
import type { JobJson } from '../schemas/jobs.schema.js';

const PATH = '/api/v3/webhooks/replicate';
const SEED = 4711;

let api: RunningApi;
let anna: Caller;
let jobId: string;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
});
afterAll(() => api.stop());
beforeEach(async () => {
  for (const table of ['strays', 'webhook_inbox', 'predictions']) await api.database.knex(table).delete();
  api.signals.length = 0;
  jobId = (await anna.post<JobJson>('/api/v3/jobs', { kind: 'clips', clips: [{ prompt: 'x' }] })).data.id;
});

/** A prediction as the provider signs it. */
function prediction(id: string, given: Record<string, unknown> = {}): string {
  return JSON.stringify({
    id,
    model: VEO,
    version: 'hidden',
    status: 'succeeded',
    input: { prompt: 'x', seed: SEED, duration: 4 },
    output: 'https://replicate.delivery/x.mp4',
    error: null,
    data_removed: false,
    created_at: new Date().toISOString(),
    started_at: new Date().toISOString(),
    completed_at: new Date().toISOString(),
    metrics: { predict_time: 60 },
    ...given,
  });
}

let sent = 0;
async function send(body: string, query = ''): Promise<void> {
  sent += 1;
  const answer = await api.call(PATH + query, {
    method: 'POST',
    headers: signedHeaders(body, { id: `msg_adoption_${sent}` }),
    body,
  });
  expect(answer.status).toBe(200);
  await api.idle();
}

const purchase = (options: Omit<LedgerRowOptions, 'jobId'>): Promise<string> =>
  insertPurchase(api.database.knex, { jobId, fingerprint: `seed:${SEED}`, input: { duration: 4 }, ...options });
const rows = (): Promise<LedgerRow[]> => purchasesOf(api.database.knex, jobId, 'clip:1');
const strays = () => api.database.knex('strays').orderBy('found_at');
const toldClipOne = (predictionId: string) => [{ workflowId: `video-job-${jobId}-clip-01`, predictionId }];

describe('the webhook of a prediction that the ledger does not know', () => {
  test.each(['posting', 'unknown'] as const)(
    'is the lost answer of a purchase that is %s and bears its fingerprint: it is adopted, and its generation told',
    async (state) => {
      await purchase({ state });
      await send(prediction('p1'));
      expect(await rows()).toMatchObject([{ state: 'known', providerId: 'p1', adoptedFrom: 'webhook' }]);
      expect((await rows())[0]?.adoptedAt).not.toBeNull();
      expect(api.signals).toEqual(toldClipOne('p1'));
      expect(await strays()).toEqual([]);
    },
  );

  test('is adopted by what the signed body says, whatever the URL hints at', async () => {
    await purchase({ state: 'unknown' });
    await send(prediction('p1'), '?workflow=video-job-01890a5d-ac96-774b-bcce-b302099a8057-clip-09');
    expect(api.signals).toEqual(toldClipOne('p1'));
  });

  test('is adopted once, told again when it comes again, and never becomes a stray', async () => {
    await purchase({ state: 'unknown' });
    const body = prediction('p1');
    await Promise.all([send(body), send(body)]);
    await send(body);
    expect(await rows()).toMatchObject([{ providerId: 'p1' }]);
    expect(api.signals).toHaveLength(3);
    expect(await strays()).toEqual([]);
  });

  test.each([
    ['another seed', { input: { prompt: 'x', seed: SEED + 1 } }],
    ['another model', { model: 'google/veo-3.1' }],
    ['no input any more', { input: null, data_removed: true }],
    ['a time from before the purchase', { created_at: '2020-01-01T00:00:00Z' }],
  ])('is not adopted with %s', async (what, given) => {
    await purchase({ state: 'unknown' });
    await send(prediction('p1', given));
    expect(await rows()).toMatchObject([{ state: 'unknown', providerId: null }]);
    expect(api.signals).toEqual([]);
    expect(await api.countRows('webhook_inbox')).toBe(1);
    // What bears our fingerprint and cannot be the answer is a stray; the others are nothing of ours.
    expect(await strays()).toHaveLength(what.startsWith('a time') ? 1 : 0);
  });

  test('is adopted also by an intent: the database has fallen back behind its post', async () => {
    await purchase({ state: 'intended' });
    await send(prediction('p1'));
    expect(await rows()).toMatchObject([{ state: 'known', providerId: 'p1', adoptedFrom: 'webhook' }]);
    expect(await strays()).toEqual([]);
    expect(api.signals).toHaveLength(1);
  });
});

describe('the webhook of a second prediction with the fingerprint of a purchase', () => {
  test('makes it a stray, with its cost, and raises the alarm once', async () => {
    const purchaseId = await purchase({ state: 'known', providerId: 'p1', estimateUsd: 0.4 });
    const body = prediction('p2', { metrics: { video_output_duration_seconds: 2 } });
    await send(body);
    await send(body);
    expect(await strays()).toMatchObject([
      {
        provider_id: 'p2',
        purchase_id: purchaseId,
        fingerprint: `seed:${SEED}`,
        status: 'succeeded',
        estimate_usd: 0.4,
        cost_usd: 0.2,
      },
    ]);
    expect(await rows()).toMatchObject([{ providerId: 'p1' }]);
    expect(api.signals).toEqual([]);
    const alarms = api
      .log()
      .split('\n')
      .filter((line) => line.includes('"stray prediction"') && line.includes('"p2"'));
    expect(alarms).toHaveLength(1);
    const whose = { jobId, subject: 'clip:1', attempt: 1, ours: true, reason: expect.stringContaining('attempt 1') };
    expect(JSON.parse(alarms[0] ?? '')).toMatchObject({ level: 50, predictionId: 'p2', purchaseId, ...whose });
  });

  test.each(['failed', 'canceled', 'stored'] as const)('makes it a stray also when that is %s', async (state) => {
    await purchase({ state, providerId: state === 'stored' ? 'p1' : null });
    await send(prediction('p2'));
    expect(await strays()).toMatchObject([{ provider_id: 'p2' }]);
  });

  test('that ends later settles the stray that is known already', async () => {
    const purchaseId = await purchase({ state: 'known', providerId: 'p1' });
    await api.database.knex('strays').insert({
      provider_id: 'p2',
      purchase_id: purchaseId,
      model: VEO,
      status: 'processing',
      estimate_usd: 0.4,
      reason: 'listed',
      created_at: new Date(),
    });
    // Its input is gone by now.
    await send(prediction('p2', { status: 'canceled', input: {} }));
    expect(await strays()).toMatchObject([{ status: 'canceled', cost_usd: 0.4, reason: 'listed' }]);
    expect((await strays())[0].settled_at).not.toBeNull();
  });
});

describe('the webhook of a prediction that was taken for a stray before', () => {
  test('is not adopted any more: it would be counted twice', async () => {
    await purchase({ state: 'unknown' });
    await api.database.knex('strays').insert({
      provider_id: 'p1',
      model: VEO,
      status: 'processing',
      reason: 'listed',
      created_at: new Date(),
    });
    await send(prediction('p1'));
    expect(await rows()).toMatchObject([{ state: 'unknown', providerId: null }]);
    expect(await strays()).toMatchObject([{ provider_id: 'p1', status: 'succeeded' }]);
  });
});

describe('webhooks that nobody could place when they came', () => {
  const row = async (): Promise<LedgerRow> => {
    const [first] = await rows();
    if (first === undefined) throw new Error('expected a purchase');
    return first;
  };
  /** As kept by a process that died before it had told anybody. */
  const keep = (predictionId: string, receivedAt = new Date()) =>
    api.database.knex('webhook_inbox').insert({
      webhook_id: `kept-${predictionId}`,
      prediction_id: predictionId,
      body: prediction(predictionId),
      model: VEO,
      fingerprint: `seed:${SEED}`,
      received_at: receivedAt,
    });

  test('are kept with the model and the fingerprint of the signed body', async () => {
    await send(prediction('p1'));
    await send(prediction('p2', { input: {} }));
    await send(JSON.stringify({ id: 'p3' }));
    expect(await api.database.knex('webhook_inbox').select('model', 'fingerprint').orderBy('prediction_id')).toEqual([
      { model: VEO, fingerprint: `seed:${SEED}` },
      { model: VEO, fingerprint: null },
      { model: null, fingerprint: null },
    ]);
  });

  test('are found by the purchase that looks for its answer', async () => {
    await purchase({ state: 'unknown', agoMs: 60_000 });
    await keep('p1');
    expect(await adoptFromInbox(api.database.knex, await row())).toBe('p1');
    expect(await row()).toMatchObject({ state: 'known', providerId: 'p1', adoptedFrom: 'webhook' });
    expect(await adoptFromInbox(api.database.knex, await row())).toBeUndefined();
  });

  test('are not found where the prediction is another purchase’s or a stray, or came before the intent', async () => {
    await purchase({ state: 'unknown', agoMs: 60_000 });
    await purchase({ state: 'known', providerId: 'p1', attempt: 2, fingerprint: 'seed:1' });
    await keep('p1');
    await api.database.knex('strays').insert({
      provider_id: 'p2',
      model: VEO,
      status: 'processing',
      reason: 'x',
      created_at: new Date(),
    });
    await keep('p2');
    await keep('p3', new Date(Date.now() - 120_000));
    const open = (await rows()).find(({ state }) => state === 'unknown') as LedgerRow;
    expect(await adoptFromInbox(api.database.knex, open)).toBeUndefined();
    await keep('p4');
    expect(await adoptFromInbox(api.database.knex, open)).toBe('p4');
  });

  test('are not given to a purchase that has been resolved since', async () => {
    await purchase({ state: 'unknown', agoMs: 60_000 });
    const before = await row();
    await api.database.knex('predictions').update({ state: 'known', provider_id: 'p1' });
    await keep('p2');
    expect(await adoptFromInbox(api.database.knex, before)).toBeUndefined();
    expect(await row()).toMatchObject({ providerId: 'p1' });
  });
});
