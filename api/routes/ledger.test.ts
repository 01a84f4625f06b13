import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLIP_USD, placeJob, placePurchase, placeStray } from '../../test/support/money-fixtures.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import type { JobJson } from '../schemas/jobs.schema.js';
import type { LedgerJson } from '../schemas/ledger.schema.js';

let api: RunningApi;
let anna: Caller;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
});
afterAll(() => api.stop());

const ledger = (id: string, caller = anna) => caller.get<LedgerJson>(`/api/v3/jobs/${id}/ledger`);

describe("a job's ledger", () => {
  test('holds every attempt and every stray, and what they come to', async () => {
    const { knex } = api.database;
    const id = await placeJob(knex, { ownerId: anna.ownerId, status: 'generating', clips: ['stored', 'generating'] });
    const error = { code: 'PROVIDER_FAULT', message: 'E1000' } as const;
    await placePurchase(knex, { jobId: id, state: 'failed', costUsd: 0, error });
    const stored = await placePurchase(knex, {
      jobId: id,
      attempt: 2,
      state: 'stored',
      costUsd: 0.3,
      openedBy: 'automatic',
    });
    await placePurchase(knex, { jobId: id, subject: 'clip:2', state: 'unknown' });
    await placeStray(knex, stored, 0.2);
    await placeStray(knex, stored, null);
    const { status, data } = await ledger(id);
    expect(status).toBe(200);
    const attempts = data.purchases.map(({ subject, attempt, state, openedBy }) => [subject, attempt, state, openedBy]);
    expect(attempts.sort()).toEqual([
      ['clip:1', 1, 'failed', 'order'],
      ['clip:1', 2, 'stored', 'automatic'],
      ['clip:2', 1, 'unknown', 'order'],
    ]);
    expect(data.purchases.find(({ state }) => state === 'failed')).toMatchObject({
      model: 'google/veo-3.1-fast',
      estimateUsd: CLIP_USD,
      costUsd: 0,
      error,
      adoptedFrom: null,
    });
    expect(data.strays.map(({ subject, costUsd }) => [subject, costUsd])).toEqual([
      ['clip:1', 0.2],
      ['clip:1', null],
    ]);
    expect(data.totals).toEqual({ reservedUsd: 0.8, spentUsd: 0.5, openPurchases: 1 });
    expect((await anna.get<JobJson>(`/api/v3/jobs/${id}`)).data.actualCostUsd).toBe(0.5);
  });

  test('is empty before the first purchase', async () => {
    const id = await placeJob(api.database.knex, { ownerId: anna.ownerId, clips: ['pending'] });
    expect((await ledger(id)).data).toEqual({
      purchases: [],
      strays: [],
      totals: { reservedUsd: 0, spentUsd: 0, openPurchases: 0 },
    });
  });

  test("of another owner's job, or of none, is not there", async () => {
    const id = await placeJob(api.database.knex, { ownerId: anna.ownerId, clips: ['pending'] });
    expect((await ledger(id, await api.caller('Ben'))).status).toBe(404);
    expect((await ledger(uuidv7())).status).toBe(404);
    expect((await ledger('1')).status).toBe(404);
  });
});
