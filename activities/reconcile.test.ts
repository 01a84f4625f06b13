import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ReelwrightError } from '../domain/errors.js';
import { advanceLedgerClock, readLedgerClock } from '../storage/ledger-clock.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { insertPurchase } from '../test/support/ledger-rows.js';
import { type ReconcileRig, reconcileRig } from '../test/support/reconcile-rig.js';
import { createReconcile } from './reconcile.js';
import type { ReconcileDeps, ReconcileSettings } from './reconcile-deps.js';

let rig: ActivityRig;
let scene: ReconcileRig;
let jobId: string;
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());
beforeEach(async () => {
  scene = reconcileRig(rig);
  for (const table of ['strays', 'predictions', 'clips', 'jobs', 'ledger_clock', 'purchasing_paused']) {
    await rig.database.knex(table).delete();
  }
  jobId = await rig.order(1);
  await rig.database.knex('jobs').update({ status: 'generating', run_started_at: new Date() });
});

const knex = () => rig.database.knex;
const run = (deps: Partial<ReconcileDeps> = {}, settings: Partial<ReconcileSettings> = {}) =>
  attempt(createReconcile({ ...scene.deps, ...deps }, { ...scene.settings, ...settings }), undefined);

describe('a run of the reconciler', () => {
  it('applies every rule and says how much it mended', async () => {
    await advanceLedgerClock(knex());
    await insertPurchase(knex(), { jobId, state: 'known', providerId: 'p1' });
    await scene.make({ seed: 9 });
    expect(await run()).toEqual({ ended: 1, settling: 1, strays: 1 });
    expect(await run()).toEqual({ ended: 0, settling: 0, strays: 0 });
  });

  it('says nothing of strays where the lists were not compared', async () => {
    expect(await run({}, { compareEveryMs: 3_600_000 })).toEqual({ ended: 1, settling: 0 });
  });

  it('mends what it can while the provider is away, and fails in the end', async () => {
    await advanceLedgerClock(knex());
    await insertPurchase(knex(), { jobId, state: 'known', providerId: 'p1' });
    const provider = {
      ...scene.provider,
      // oxlint-disable-next-line require-yield
      async *list() {
        throw new ReelwrightError('PROVIDER_UNAVAILABLE', 'away');
      },
    };
    await expect(run({ provider })).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(scene.workflows.settlements).toHaveLength(1);
    expect(await knex()('jobs').first('status')).toEqual({ status: 'failed' });
  });

  it('goes on to the lists when Temporal cannot describe workflows', async () => {
    await advanceLedgerClock(knex());
    await insertPurchase(knex(), { jobId, state: 'known', providerId: 'p1' });
    await scene.make({ seed: 9 });
    scene.workflows.onDescribe = () => Promise.reject(new Error('Temporal is down'));
    await expect(run()).rejects.toThrow('Temporal is down');
    expect(await knex()('strays')).toHaveLength(1);
  });

  it('cancels open strays that an api recorded', async () => {
    const purchaseId = await insertPurchase(knex(), { jobId, state: 'stored', providerId: 'p1' });
    const stray = await scene.make({ seed: 9 });
    const facts = { model: stray.model, status: stray.status, reason: 'x', created_at: stray.createdAt };
    await knex()('strays').insert({ provider_id: stray.id, purchase_id: purchaseId, ...facts });
    await run();
    expect(stray.status).toBe('canceled');
  });

  it('takes nothing for a stray while the ledger may have forgotten it', async () => {
    const bought = await scene.make({ seed: 9 });
    scene.remembered.push({ jobId, subject: 'clip:1', predictionId: bought.id, attempt: 1 });
    await advanceLedgerClock(knex());
    await knex()('ledger_clock').update({ at: knex().raw(`now() - interval '11 minutes'`) });
    expect(await run()).not.toHaveProperty('strays');
    expect(await knex()('strays')).toEqual([]);
    expect((await readLedgerClock(knex()))?.ageMs).toBeGreaterThan(600_000);
  });
});
