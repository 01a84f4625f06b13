import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clipSubject, generationId, settleId } from '../domain/contract.js';
import type { PredictionState } from '../domain/ledger.js';
import { latestPurchase } from '../storage/ledger.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { insertPurchase } from '../test/support/ledger-rows.js';
import { type ReconcileRig, reconcileRig } from '../test/support/reconcile-rig.js';
import { settleOwedPurchases } from './settle-owed.js';

let rig: ActivityRig;
let scene: ReconcileRig;
let jobId: string;
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());
beforeEach(async () => {
  scene = reconcileRig(rig);
  await rig.database.knex('predictions').delete();
  jobId = await rig.order(2);
});

const run = (settings: Partial<typeof scene.settings> = {}) =>
  settleOwedPurchases(scene.deps, { ...scene.settings, ...settings });
const insert = (options: Partial<Parameters<typeof insertPurchase>[1]> & { state: PredictionState }) =>
  insertPurchase(rig.database.knex, { jobId, ...options });
const subject = clipSubject(1);

describe('a purchase that no running workflow owns', () => {
  it.each(['known', 'succeeded'] as const)('is settled by its prediction while it is %s', async (state) => {
    const purchaseId = await insert({ state, providerId: 'p1' });
    expect(await run()).toBe(1);
    expect(scene.workflows.settlements).toEqual([{ input: { jobId, subject, purchaseId }, workflowId: 'settle-p1' }]);
  });

  it.each(['posting', 'unknown'] as const)('is settled by its row while it is %s', async (state) => {
    const purchaseId = await insert({ state });
    expect(await run()).toBe(1);
    expect(scene.workflows.settlements).toEqual([
      { input: { jobId, subject, purchaseId }, workflowId: settleId(purchaseId) },
    ]);
  });

  it('is settled also when its generation has closed', async () => {
    await insert({ state: 'known', providerId: 'p1' });
    scene.workflows.states.set(generationId(jobId, subject), 'closed');
    expect(await run()).toBe(1);
  });

  it.each(['failed', 'canceled', 'aborted', 'stored'] as const)('is left alone when it is %s', async (state) => {
    await insert({ state, providerId: 'p1' });
    expect(await run()).toBe(0);
  });

  it.each([
    ['succeeded', 'p1', 'OUTPUT_LOST'],
    ['unknown', null, 'PURCHASE_UNKNOWN'],
  ] as const)(
    'is left alone when it is %s and %s says why nothing more comes of it',
    async (state, providerId, code) => {
      await insert({ state, providerId, error: { code, message: 'x' } });
      expect(await run()).toBe(0);
    },
  );

  it('is left alone while it is younger than the limit', async () => {
    await insert({ state: 'known', providerId: 'p1', agoMs: 30_000 });
    expect(await run({ olderThanMs: 60_000 })).toBe(0);
    expect(await run({ olderThanMs: 20_000 })).toBe(1);
  });
});

describe('a purchase that is owned', () => {
  it('by its running generation is left to it', async () => {
    await insert({ state: 'known', providerId: 'p1' });
    scene.workflows.states.set(generationId(jobId, subject), 'running');
    expect(await run()).toBe(0);
  });

  it('by a settlement is not settled twice, also when its prediction was found meanwhile', async () => {
    const purchaseId = await insert({ state: 'unknown' });
    expect(await run()).toBe(1);
    await rig.database.knex('predictions').where({ id: purchaseId }).update({ state: 'known', provider_id: 'p1' });
    expect(await run()).toBe(0);
    scene.workflows.states.clear();
    scene.workflows.states.set('settle-p1', 'running');
    expect(await run()).toBe(0);
    expect(scene.workflows.settlements).toHaveLength(1);
  });
});

describe('an intent', () => {
  const state = async () => (await latestPurchase(rig.database.knex, jobId, subject))?.state;

  it.each(['cancelled', 'failed', 'skipped'])('is withdrawn when its clip is %s', async (status) => {
    await insert({ state: 'intended' });
    await rig.database.knex('clips').where({ job_id: jobId, number: 1 }).update({ status });
    expect(await run()).toBe(0);
    expect(await state()).toBe('canceled');
  });

  it('is withdrawn when its job has ended', async () => {
    await insert({ state: 'intended' });
    await rig.database.knex('jobs').where({ id: jobId }).update({ status: 'failed' });
    await run();
    expect(await state()).toBe('canceled');
  });

  it.each(['pending', 'generating', 'needs_attention'])('is kept while its clip is %s', async (status) => {
    await insert({ state: 'intended' });
    await rig.database.knex('clips').where({ job_id: jobId, number: 1 }).update({ status });
    await run();
    expect(await state()).toBe('intended');
  });

  it('is kept while its window may be open, or its generation runs', async () => {
    await insert({ state: 'intended', agoMs: 30_000 });
    await rig.database.knex('clips').where({ job_id: jobId, number: 1 }).update({ status: 'failed' });
    await run({ olderThanMs: 60_000 });
    expect(await state()).toBe('intended');
    scene.workflows.states.set(generationId(jobId, subject), 'running');
    await run();
    expect(await state()).toBe('intended');
  });
});

describe('more purchases than one run looks at', () => {
  it('begin with those of ended jobs, for which nothing else runs', async () => {
    for (const number of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
      await insert({ state: 'known', providerId: `open-${number}`, attempt: number });
    }
    const ended = await rig.order(1);
    await rig.database.knex('jobs').where({ id: ended }).update({ status: 'failed' });
    await insert({ jobId: ended, state: 'succeeded', providerId: 'of-an-ended-job' });
    expect(await run({ atOnce: 1 })).toBe(1);
    expect(scene.workflows.settlements.map(({ workflowId }) => workflowId)).toEqual(['settle-of-an-ended-job']);
  });
});
