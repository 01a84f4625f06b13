import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ReelwrightError } from '../domain/errors.js';
import { purchasesOf } from '../storage/ledger.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { insertPurchase } from '../test/support/ledger-rows.js';
import { ERROR_LEVEL, type ReconcileRig, reconcileRig, signal } from '../test/support/reconcile-rig.js';
import { handleStray, STRAY_ALARM, settleOpenStrays } from './strays.js';

let rig: ActivityRig;
let scene: ReconcileRig;
let jobId: string;
let purchaseId: string;
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());
beforeEach(async () => {
  scene = reconcileRig(rig);
  await rig.database.knex('strays').delete();
  await rig.database.knex('predictions').delete();
  jobId = await rig.order(1);
  purchaseId = await insertPurchase(rig.database.knex, {
    jobId,
    state: 'known',
    providerId: 'the-one',
    fingerprint: 'seed:7',
    input: { duration: 4 },
  });
});

const strays = () => rig.database.knex('strays').orderBy('found_at');
const alarms = () => scene.log().filter(({ level, msg }) => level === ERROR_LEVEL && msg === STRAY_ALARM);
const reason = 'a test';

describe('a stray with the fingerprint of a purchase', () => {
  it('is recorded, cancelled at once, and charged to the purchase in full because it had started', async () => {
    const prediction = await scene.make({ seed: 7 });
    expect(await handleStray(scene.deps, prediction, { reason }, signal)).toBe(true);
    expect(scene.provider.made[0]?.status).toBe('canceled');
    expect(await strays()).toMatchObject([
      {
        provider_id: prediction.id,
        purchase_id: purchaseId,
        fingerprint: 'seed:7',
        status: 'canceled',
        estimate_usd: 0.4,
        cost_usd: 0.4,
        reason,
      },
    ]);
    expect((await strays())[0].settled_at).not.toBeNull();
  });

  it('raises the alarm with its facts', async () => {
    const { id } = await scene.make({ seed: 7 });
    await handleStray(scene.deps, await scene.provider.get(id), { reason });
    expect(alarms()).toMatchObject([{ predictionId: id, jobId, subject: 'clip:1', attempt: 1, ours: true, reason }]);
  });

  it('that has ended is recorded with what it delivered, and not cancelled', async () => {
    const prediction = await scene.make({
      seed: 7,
      status: 'succeeded',
      metrics: { video_output_duration_seconds: 2 },
    });
    await handleStray(scene.deps, prediction, { reason });
    expect(await strays()).toMatchObject([{ status: 'succeeded', cost_usd: 0.2 }]);
    expect(scene.provider.made[0]?.status).toBe('succeeded');
  });

  it('that is handled again changes nothing and raises no second alarm', async () => {
    const { id } = await scene.make({ seed: 7 });
    await handleStray(scene.deps, await scene.provider.get(id), { reason });
    expect(await handleStray(scene.deps, await scene.provider.get(id), { reason: 'another' })).toBe(false);
    expect(await strays()).toMatchObject([{ status: 'canceled', cost_usd: 0.4, reason }]);
    expect(alarms()).toHaveLength(1);
  });

  it('is recorded also when the provider cannot cancel it at this moment, and cancelled by the next look', async () => {
    const prediction = await scene.make({ seed: 7 });
    const away = {
      ...scene.deps,
      provider: {
        ...scene.deps.provider,
        cancel: () => Promise.reject(new ReelwrightError('PROVIDER_UNAVAILABLE', 'away')),
      },
    };
    await expect(handleStray(away, prediction, { reason })).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(await strays()).toMatchObject([{ status: 'starting', cost_usd: null, settled_at: null }]);
    expect(await settleOpenStrays(away, 50, signal)).toBe(0);
    expect(await settleOpenStrays(scene.deps, 50, signal)).toBe(1);
    expect(scene.provider.made[0]?.status).toBe('canceled');
    expect(await strays()).toMatchObject([{ status: 'canceled', cost_usd: 0.4 }]);
  });
});

describe('a prediction that its purchase got while somebody took it for a stray', () => {
  it('is left alone: what was bought is neither recorded as a stray nor cancelled', async () => {
    const prediction = await scene.make({ seed: 7 });
    await rig.database.knex('predictions').update({ provider_id: prediction.id });
    expect(await handleStray(scene.deps, prediction, { reason }, signal)).toBe(false);
    expect(prediction.status).toBe('starting');
    expect(await strays()).toEqual([]);
    expect(alarms()).toEqual([]);
  });
});

describe('a stray that our own create answer named', () => {
  it('is cancelled, and charged to that purchase, whatever fingerprint the provider still shows', async () => {
    const [purchase] = await purchasesOf(rig.database.knex, jobId, 'clip:1');
    if (purchase === undefined) throw new Error('expected a purchase');
    const prediction = await scene.make({ input: {}, dataRemoved: true });
    await handleStray(scene.deps, prediction, { purchase, reason });
    expect(scene.provider.made[0]?.status).toBe('canceled');
    expect(await strays()).toMatchObject([{ purchase_id: purchaseId, fingerprint: null, cost_usd: 0.4 }]);
  });
});

describe('a stray that a history proves to be ours', () => {
  it('is cancelled although no purchase is left that it could be charged to', async () => {
    await handleStray(scene.deps, await scene.make({ seed: 8 }), { isOurs: true, reason });
    expect(scene.provider.made[0]?.status).toBe('canceled');
    expect(await strays()).toMatchObject([{ purchase_id: null, status: 'canceled', estimate_usd: 0 }]);
  });
});

describe('a stray that is not provably ours', () => {
  it('is recorded and raises the alarm, and goes on: others may share the token', async () => {
    const prediction = await scene.make({ seed: 8 });
    expect(await handleStray(scene.deps, prediction, { reason })).toBe(true);
    expect(scene.provider.made[0]?.status).toBe('starting');
    expect(await strays()).toMatchObject([{ purchase_id: null, status: 'starting', estimate_usd: 0 }]);
    expect(alarms()).toMatchObject([{ predictionId: prediction.id, ours: false }]);
  });

  it('is followed to its end and never cancelled', async () => {
    const prediction = await scene.make({ seed: 8 });
    await handleStray(scene.deps, prediction, { reason });
    expect(await settleOpenStrays(scene.deps, 50, signal)).toBe(0);
    expect(scene.provider.made[0]?.status).toBe('starting');
    scene.provider.finish(prediction.id, { status: 'failed', error: 'E1000' });
    expect(await settleOpenStrays(scene.deps, 50, signal)).toBe(1);
    expect(await strays()).toMatchObject([{ status: 'failed', cost_usd: 0 }]);
    expect(await settleOpenStrays(scene.deps, 50, signal)).toBe(0);
  });
});

describe('open strays', () => {
  it('that the provider has forgotten are closed with what they may have cost', async () => {
    const prediction = await scene.make({ seed: 7 });
    const [purchase] = await purchasesOf(rig.database.knex, jobId, 'clip:1');
    if (purchase === undefined) throw new Error('expected a purchase');
    const stray = { ...prediction, id: 'forgotten' };
    await expect(handleStray(scene.deps, stray, { purchase, reason })).rejects.toMatchObject({
      code: 'PROVIDER_NOT_FOUND',
    });
    expect(await settleOpenStrays(scene.deps, 50, signal)).toBe(1);
    expect(await strays()).toMatchObject([{ provider_id: 'forgotten', cost_usd: 0.4 }]);
    expect((await strays())[0].settled_at).not.toBeNull();
  });

  it('do not wait for one that fails', async () => {
    const first = await scene.make({ seed: 7 });
    const second = await scene.make({ seed: 7 });
    for (const one of [first, second]) {
      await rig.database.knex('strays').insert({
        provider_id: one.id,
        purchase_id: purchaseId,
        model: one.model,
        status: 'processing',
        reason,
        created_at: one.createdAt,
      });
    }
    const deps = {
      ...scene.deps,
      provider: {
        ...scene.deps.provider,
        cancel: (id: string) =>
          id === first.id
            ? Promise.reject(new ReelwrightError('PROVIDER_UNAVAILABLE', 'away'))
            : scene.provider.cancel(id),
      },
    };
    expect(await settleOpenStrays(deps, 50, signal)).toBe(1);
    expect(second.status).toBe('canceled');
  });
});
