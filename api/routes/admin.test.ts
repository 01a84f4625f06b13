import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { pausePurchasing } from '../../storage/purchasing.js';
import { placeJob, placePurchase, placeStray } from '../../test/support/money-fixtures.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import { purchasingCheck } from '../health-checks.js';
import type { PurchasingJson } from '../schemas/admin.schema.js';
import type { JobJson } from '../schemas/jobs.schema.js';

const PATH = '/api/v3/admin/purchasing';

let api: RunningApi;
let admin: Caller;
let anna: Caller;
beforeAll(async () => {
  api = await startApi({ deps: ({ knex }) => ({ healthChecks: [purchasingCheck(knex)] }) });
  admin = await api.caller('Operator', { admin: true });
  anna = await api.caller('Anna');
});
afterAll(() => api.stop());
beforeEach(() => api.database.knex('purchasing_paused').delete());

const set = (body: unknown, caller = admin) => caller.post<PurchasingJson>(PATH, body);

describe('purchasing', () => {
  test('is paused by an admin, with a reason, until an admin lets it go on', async () => {
    expect((await admin.get<PurchasingJson>(PATH)).data.paused).toBeNull();
    const paused = await set({ paused: true, reason: 'the invoice is open' });
    expect(paused.status).toBe(200);
    expect(paused.data.paused).toMatchObject({
      code: 'PURCHASING_PAUSED',
      reason: 'the invoice is open',
      pausedBy: expect.stringMatching(/^key [0-9a-f-]{36}$/),
      probeAt: null,
      probes: 0,
    });
    expect((await admin.get<PurchasingJson>(PATH)).data).toEqual(paused.data);
    expect((await set({ paused: true, reason: 'another' })).data.paused?.reason).toBe('the invoice is open');
    expect((await set({ paused: false })).data.paused).toBeNull();
    expect((await set({ paused: false })).data.paused).toBeNull();
  });

  test('that the provider refused is shown with its next probe, and may be lifted by hand', async () => {
    const pause = { code: 'PROVIDER_ACCOUNT', reason: '402', pausedBy: 'provider', probeAfterMs: 60_000 } as const;
    await pausePurchasing(api.database.knex, pause);
    const { paused } = (await admin.get<PurchasingJson>(PATH)).data;
    expect(paused).toMatchObject({ code: 'PROVIDER_ACCOUNT', pausedBy: 'provider', probeAt: expect.any(String) });
    expect((await set({ paused: false })).data.paused).toBeNull();
  });

  test('stays paused while the ledger may have forgotten purchases: only the match lifts that', async () => {
    const pause = { code: 'LEDGER_BEHIND', reason: 'restored', pausedBy: 'ledger', probeAfterMs: null } as const;
    await pausePurchasing(api.database.knex, pause);
    const refused = await set({ paused: false });
    expect([refused.status, refused.error?.code]).toEqual([409, 'WRONG_STATE']);
    expect((await admin.get<PurchasingJson>(PATH)).data.paused?.code).toBe('LEDGER_BEHIND');
  });

  test('is reported with open strays and unknown purchases', async () => {
    const { knex } = api.database;
    const jobId = await placeJob(knex, { ownerId: anna.ownerId, status: 'generating', clips: ['generating'] });
    const id = await placePurchase(knex, { jobId, state: 'unknown' });
    await placeStray(knex, id, null);
    await placeStray(knex, id, 0.4);
    expect((await admin.get<PurchasingJson>(PATH)).data).toEqual({ paused: null, openStrays: 1, unknownPurchases: 1 });
  });

  test('that is paused leaves the api ready, and orders are taken', async () => {
    expect((await api.call('/health/ready')).data).toEqual({ status: 'ready', parts: { purchasing: 'ready' } });
    await set({ paused: true, reason: 'x' });
    const ready = await api.call('/health/ready');
    expect([ready.status, ready.data]).toEqual([200, { status: 'ready', parts: { purchasing: 'paused' } }]);
    const order = { kind: 'clips', clips: [{ prompt: 'x' }] };
    expect((await anna.post<JobJson>('/api/v3/jobs', order)).status).toBe(202);
  });

  test('is none of the business of a key without that right', async () => {
    for (const answer of [await anna.get(PATH), await set({ paused: true, reason: 'x' }, anna)]) {
      expect([answer.status, answer.error?.code]).toEqual([403, 'FORBIDDEN']);
    }
    expect((await api.call(PATH)).status).toBe(401);
    expect(await api.countRows('purchasing_paused')).toBe(0);
  });

  test.each([
    [{}, 'paused'],
    [{ paused: 'yes' }, 'paused'],
    [{ paused: true }, 'reason'],
    [{ paused: true, reason: '' }, 'reason'],
    [{ paused: false, reason: 'x' }, 'reason'],
  ])('is not changed by %j', async (body, path) => {
    const answer = await set(body);
    expect([answer.status, answer.error?.details?.path]).toEqual([422, path]);
    expect(await api.countRows('purchasing_paused')).toBe(0);
  });
});
