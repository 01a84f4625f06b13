import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SettleInput } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { latestPurchase } from '../storage/ledger.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { insertPurchase, type LedgerRowOptions } from '../test/support/ledger-rows.js';
import { type ReconcileRig, reconcileRig } from '../test/support/reconcile-rig.js';
import { createResolvePurchase } from './settle-purchase.js';

const HOUR_MS = 3_600_000;

let rig: ActivityRig;
let scene: ReconcileRig;
let jobId: string;
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());
beforeEach(async () => {
  scene = reconcileRig(rig);
  await rig.database.knex('strays').delete();
  await rig.database.knex('predictions').delete();
  jobId = await rig.order(1);
});

const insert = (options: Omit<LedgerRowOptions, 'jobId'>) =>
  insertPurchase(rig.database.knex, { jobId, fingerprint: 'seed:1', ...options });
const resolve = (purchaseId: string) => {
  const input: SettleInput = { jobId, subject: 'clip:1', purchaseId };
  return attempt(createResolvePurchase(scene.deps), input);
};
const row = () => latestPurchase(rig.database.knex, jobId, 'clip:1');
const polling = { firstMs: 10, maxMs: 10, factor: 1 };

describe('a purchase that nobody owns', () => {
  it('and that runs is to be waited for', async () => {
    const { id } = await scene.make({ seed: 1 });
    expect(await resolve(await insert({ state: 'known', providerId: id }))).toEqual({ predictionId: id, polling });
    expect(scene.provider.made[0]?.status).toBe('starting');
  });

  it('and whose answer was lost is found and waited for', async () => {
    const { id } = await scene.make({ seed: 1 });
    expect(await resolve(await insert({ state: 'unknown' }))).toEqual({ predictionId: id, polling });
    expect(await row()).toMatchObject({ state: 'known', providerId: id, adoptedFrom: 'list' });
  });

  it('and whose answer is not found yet is looked for again', async () => {
    const purchaseId = await insert({ state: 'unknown' });
    await expect(resolve(purchaseId)).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
    expect(await row()).toMatchObject({ state: 'unknown' });
  });

  it('and of which nobody can say any more whether it was made ends there, and says so in its row', async () => {
    await scene.make({ input: {}, dataRemoved: true, agoMs: HOUR_MS });
    const purchaseId = await insert({ state: 'unknown', agoMs: HOUR_MS });
    expect(await resolve(purchaseId)).toEqual({ predictionId: null, polling });
    expect(await row()).toMatchObject({ state: 'unknown', error: { code: 'PURCHASE_UNKNOWN' } });
  });

  it('and of which nobody can say so is given up where its job is cancelled, since that takes no retry', async () => {
    await rig.database.knex('jobs').where({ id: jobId }).update({ status: 'cancelled' });
    const purchaseId = await insert({ state: 'unknown', agoMs: HOUR_MS });
    expect(await resolve(purchaseId)).toEqual({ predictionId: null, polling });
    expect(await row()).toMatchObject({ state: 'failed', costUsd: 0, error: { code: 'PURCHASE_UNKNOWN' } });
  });

  it('and that has succeeded is collected', async () => {
    const { id } = await scene.make({ seed: 1 });
    scene.provider.finish(id, { status: 'succeeded', output: new Uint8Array(1) });
    expect(await resolve(await insert({ state: 'known', providerId: id }))).toEqual({ predictionId: id, polling });
    expect(await row()).toMatchObject({ state: 'succeeded', costUsd: 0.4 });
  });

  it('and that has failed gives nothing, and is settled', async () => {
    const { id } = await scene.make({ seed: 1 });
    scene.provider.finish(id, { status: 'failed', error: 'E1000' });
    expect(await resolve(await insert({ state: 'known', providerId: id }))).toEqual({ predictionId: null, polling });
    expect(await row()).toMatchObject({ state: 'failed', costUsd: 0 });
  });

  it.each([
    ['intended', null],
    ['failed', 'p1'],
    ['canceled', 'p1'],
    ['aborted', 'p1'],
    ['stored', 'p1'],
  ] as const)('and that is %s gives nothing', async (state, providerId) => {
    expect((await resolve(await insert({ state, providerId }))).predictionId).toBeNull();
  });

  it('and whose output is not stored yet is collected, unless it is lost', async () => {
    const purchaseId = await insert({ state: 'succeeded', providerId: 'p1' });
    expect((await resolve(purchaseId)).predictionId).toBe('p1');
    const error = JSON.stringify({ code: 'OUTPUT_LOST', message: 'gone' });
    await rig.database.knex('predictions').where({ id: purchaseId }).update({ error });
    expect((await resolve(purchaseId)).predictionId).toBeNull();
  });

  it('and that has no row is an error', async () => {
    await expect(resolve('01890a5d-ac96-774b-bcce-b302099a8057')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a purchase of what was cancelled', () => {
  it.each([
    ['job', () => rig.database.knex('jobs').where({ id: jobId }).update({ status: 'cancelled' })],
    [
      'job, on request',
      () => rig.database.knex('jobs').where({ id: jobId }).update({ cancel_requested_at: new Date() }),
    ],
    ['clip', () => rig.database.knex('clips').where({ job_id: jobId }).update({ status: 'cancelled' })],
  ])('(the %s) is cancelled at the provider and gives nothing', async (_what, cancel) => {
    const { id } = await scene.make({ seed: 1 });
    const purchaseId = await insert({ state: 'known', providerId: id });
    await cancel();
    expect((await resolve(purchaseId)).predictionId).toBeNull();
    expect(scene.provider.made[0]?.status).toBe('canceled');
    expect(await row()).toMatchObject({ state: 'canceled' });
  });

  it('is waited for where the provider refuses the cancel', async () => {
    const { id } = await scene.make({ seed: 1 });
    const purchaseId = await insert({ state: 'known', providerId: id });
    await rig.database.knex('jobs').where({ id: jobId }).update({ status: 'cancelled' });
    const cancel = () => Promise.reject(new ReelwrightError('PROVIDER_REJECTED_INPUT', 'no'));
    const deps = { ...scene.deps, provider: { ...scene.deps.provider, cancel } };
    const input: SettleInput = { jobId, subject: 'clip:1', purchaseId };
    expect(await attempt(createResolvePurchase(deps), input)).toMatchObject({ predictionId: id });
  });

  it('is found first, where its answer was lost, and then cancelled', async () => {
    await scene.make({ seed: 1 });
    const purchaseId = await insert({ state: 'unknown' });
    await rig.database.knex('jobs').where({ id: jobId }).update({ status: 'cancelled' });
    expect((await resolve(purchaseId)).predictionId).toBeNull();
    expect(scene.provider.made[0]?.status).toBe('canceled');
  });

  it('that had succeeded before is collected: what is paid is stored', async () => {
    const { id } = await scene.make({ seed: 1 });
    scene.provider.finish(id, { status: 'succeeded', output: new Uint8Array(1) });
    const purchaseId = await insert({ state: 'known', providerId: id });
    await rig.database.knex('jobs').where({ id: jobId }).update({ status: 'cancelled' });
    expect((await resolve(purchaseId)).predictionId).toBe(id);
  });
});
