import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ReelwrightError } from '../domain/errors.js';
import { purchasesOf } from '../storage/ledger.js';
import { advanceLedgerClock, liftLedgerPause, readLedgerClock } from '../storage/ledger-clock.js';
import { findPause, pausePurchasing } from '../storage/purchasing.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { insertPurchase } from '../test/support/ledger-rows.js';
import { type ReconcileRig, reconcileRig, signal } from '../test/support/reconcile-rig.js';
import { guardLedgerAtStart } from '../worker/ledger-guard.js';
import { guardLedger } from './guard-ledger.js';
import { matchLedger } from './match-ledger.js';

const MINUTE_MS = 60_000;

let rig: ActivityRig;
let scene: ReconcileRig;
let jobId: string;
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());
beforeEach(async () => {
  scene = reconcileRig(rig);
  for (const table of ['strays', 'predictions', 'ledger_clock', 'purchasing_paused']) {
    await rig.database.knex(table).delete();
  }
  jobId = await rig.order(1);
});

const knex = () => rig.database.knex;
const clockStoodAt = async (agoMs: number): Promise<void> => {
  await advanceLedgerClock(knex());
  await knex()('ledger_clock').update({ at: knex().raw(`now() - ? * interval '1 millisecond'`, [agoMs]) });
};
const ageMs = async (): Promise<number> => (await readLedgerClock(knex()))?.ageMs ?? Number.NaN;
const start = () => guardLedgerAtStart(scene.deps, scene.settings);
const guard = () => guardLedger(scene.deps, scene.settings, signal);
const repair = async () =>
  await matchLedger(scene.deps, { since: new Date(Date.now() - 20 * MINUTE_MS), repair: true }, signal);

describe('the start of a worker', () => {
  it('the very first time sets the clock and pauses nothing', async () => {
    await start();
    expect(await findPause(knex())).toBeUndefined();
    expect(await ageMs()).toBeLessThan(MINUTE_MS);
  });

  it('within ten minutes of the clock pauses nothing', async () => {
    await clockStoodAt(9 * MINUTE_MS);
    await start();
    expect(await findPause(knex())).toBeUndefined();
  });

  it('after more than ten minutes pauses purchasing until the ledger is matched, and no probe lifts that', async () => {
    await clockStoodAt(11 * MINUTE_MS);
    await start();
    expect(await findPause(knex())).toMatchObject({ code: 'LEDGER_BEHIND', pausedBy: 'ledger', probeAt: null });
    expect(await ageMs()).toBeGreaterThan(10 * MINUTE_MS);
  });
});

describe('the reconciler', () => {
  it('advances the clock while the ledger is in order', async () => {
    await clockStoodAt(5 * MINUTE_MS);
    expect(await guard()).toBe(true);
    expect(await ageMs()).toBeLessThan(MINUTE_MS);
  });

  it('lifts the pause by itself where the service had only been off', async () => {
    const bought = await scene.make({ seed: 1, agoMs: 12 * MINUTE_MS });
    await insertPurchase(knex(), { jobId, state: 'known', providerId: bought.id });
    await clockStoodAt(11 * MINUTE_MS);
    await start();
    expect(await guard()).toBe(true);
    expect(await findPause(knex())).toBeUndefined();
    expect(await ageMs()).toBeLessThan(MINUTE_MS);
  });

  it('adopts the lost answer of a purchase, which is no sign of a ledger that lacks something', async () => {
    const bought = await scene.make({ seed: 1, agoMs: 11 * MINUTE_MS });
    await insertPurchase(knex(), { jobId, state: 'posting', fingerprint: 'seed:1', agoMs: 11 * MINUTE_MS });
    await clockStoodAt(11 * MINUTE_MS);
    expect(await guard()).toBe(true);
    expect(await purchasesOf(knex(), jobId, 'clip:1')).toMatchObject([
      { state: 'known', providerId: bought.id, adoptedFrom: 'list' },
    ]);
  });

  it('keeps the pause, and says what to run, where the ledger has forgotten a purchase', async () => {
    const bought = await scene.make({ seed: 1 });
    scene.remembered.push({ jobId, subject: 'clip:1', predictionId: bought.id, attempt: 1 });
    await clockStoodAt(11 * MINUTE_MS);
    expect(await guard()).toBe(false);
    const pause = await findPause(knex());
    expect(pause).toMatchObject({ code: 'LEDGER_BEHIND', pausedBy: 'ledger-match' });
    expect(pause?.reason).toContain('npm run reconcile -- --since ');
    expect(await ageMs()).toBeGreaterThan(10 * MINUTE_MS);
    // Without a repair nothing is written about it, neither as a purchase nor as a stray.
    expect(await purchasesOf(knex(), jobId, 'clip:1')).toEqual([]);
    expect(await knex()('strays')).toEqual([]);
    expect(bought.status).toBe('starting');
  });

  it('cancels nothing of a job that this database does not know: it may be the wrong database', async () => {
    const bought = await scene.make({ seed: 1 });
    const gone = '01890a5d-ac96-774b-bcce-b302099a8057';
    scene.remembered.push({ jobId: gone, subject: 'clip:1', predictionId: bought.id, attempt: 1 });
    await clockStoodAt(11 * MINUTE_MS);
    expect(await guard()).toBe(false);
    expect(bought.status).toBe('starting');
    expect(await knex()('strays')).toEqual([]);
    expect((await findPause(knex()))?.reason).toContain('has made 1 predictions that the ledger did not know');
  });

  it('gives an intent its prediction, which proves that it was posted', async () => {
    const bought = await scene.make({ seed: 1, agoMs: 11 * MINUTE_MS });
    await insertPurchase(knex(), { jobId, state: 'intended', fingerprint: 'seed:1', agoMs: 11 * MINUTE_MS });
    await clockStoodAt(11 * MINUTE_MS);
    expect(await guard()).toBe(true);
    expect(await purchasesOf(knex(), jobId, 'clip:1')).toMatchObject([{ state: 'known', providerId: bought.id }]);
    expect(bought.status).toBe('starting');
  });

  it('keeps the pause where it found strays, although the next match would find nothing new', async () => {
    await scene.make({ seed: 9 });
    await clockStoodAt(11 * MINUTE_MS);
    expect(await guard()).toBe(false);
    expect(await guard()).toBe(false);
    expect(await findPause(knex())).toMatchObject({ code: 'LEDGER_BEHIND' });
  });

  it('keeps the pause while the provider cannot be asked, and tries again the next time', async () => {
    await clockStoodAt(11 * MINUTE_MS);
    const away = {
      ...scene.deps,
      provider: {
        ...scene.deps.provider,
        // oxlint-disable-next-line require-yield
        async *list() {
          throw new ReelwrightError('PROVIDER_UNAVAILABLE', 'away');
        },
      },
    };
    await expect(guardLedger(away, scene.settings, signal)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(await findPause(knex())).toMatchObject({ code: 'LEDGER_BEHIND' });
    expect(await ageMs()).toBeGreaterThan(10 * MINUTE_MS);
    expect(await guard()).toBe(true);
    expect(await findPause(knex())).toBeUndefined();
  });

  it('keeps the pause while Temporal cannot be asked', async () => {
    await scene.make({ seed: 1 });
    await clockStoodAt(11 * MINUTE_MS);
    const histories = {
      // oxlint-disable-next-line require-yield
      async *boughtSince() {
        throw new Error('Temporal is down');
      },
    };
    const deps = { ...scene.deps, histories };
    await expect(guardLedger(deps, scene.settings, signal)).rejects.toThrow('Temporal is down');
    expect(await findPause(knex())).toMatchObject({ code: 'LEDGER_BEHIND' });
    expect(await knex()('strays')).toEqual([]);
  });

  it('keeps the word of a person, and does not advance the clock before the ledger is matched', async () => {
    await pausePurchasing(knex(), {
      code: 'PURCHASING_PAUSED',
      reason: 'holidays',
      pausedBy: 'anna',
      probeAfterMs: null,
    });
    await clockStoodAt(11 * MINUTE_MS);
    expect(await guard()).toBe(true);
    expect(await findPause(knex())).toMatchObject({ code: 'PURCHASING_PAUSED', pausedBy: 'anna' });
    expect(await ageMs()).toBeLessThan(MINUTE_MS);
  });
});

describe('a repair', () => {
  it('gives a forgotten purchase its row again', async () => {
    const bought = await scene.make({ seed: 1 });
    scene.remembered.push({ jobId, subject: 'clip:1', predictionId: bought.id, attempt: 1 });
    expect(await repair()).toMatchObject([{ what: 'repaired', jobId, subject: 'clip:1', attempt: 1 }]);
    const rows = await purchasesOf(knex(), jobId, 'clip:1');
    expect(rows).toMatchObject([
      {
        attempt: 1,
        state: 'known',
        providerId: bought.id,
        fingerprint: 'seed:1',
        model: bought.model,
        input: bought.input,
        estimateUsd: 0.4,
        adoptedFrom: 'history',
        openedBy: 'order',
      },
    ]);
    expect(bought.status).toBe('starting');
    expect(await repair()).toEqual([]);
  });

  it('takes the next attempt where the ledger knows an earlier one', async () => {
    const bought = await scene.make({ seed: 1 });
    await insertPurchase(knex(), { jobId, state: 'failed', providerId: 'p0', fingerprint: 'seed:0' });
    scene.remembered.push({ jobId, subject: 'clip:1', predictionId: bought.id, attempt: 2 });
    expect(await repair()).toMatchObject([{ what: 'repaired', attempt: 2 }]);
    expect((await purchasesOf(knex(), jobId, 'clip:1')).map((row) => row.providerId)).toEqual([bought.id, 'p0']);
  });

  it('takes the intent that the backup still had, so that nobody posts for it once more', async () => {
    const bought = await scene.make({ seed: 1 });
    const id = await insertPurchase(knex(), { jobId, state: 'intended', fingerprint: 'open:1' });
    scene.remembered.push({ jobId, subject: 'clip:1', predictionId: bought.id, attempt: 1 });
    expect(await repair()).toMatchObject([{ what: 'repaired', attempt: 1 }]);
    expect(await purchasesOf(knex(), jobId, 'clip:1')).toMatchObject([
      { id, state: 'known', providerId: bought.id, fingerprint: 'seed:1' },
    ]);
  });

  it('recognises a purchase by its id alone when its input is gone', async () => {
    const bought = await scene.make({ input: {}, dataRemoved: true, status: 'succeeded' });
    scene.remembered.push({ jobId, subject: 'clip:1', predictionId: bought.id, attempt: 1 });
    expect(await repair()).toMatchObject([{ what: 'repaired' }]);
    expect(await purchasesOf(knex(), jobId, 'clip:1')).toMatchObject([{ fingerprint: `history:${bought.id}` }]);
  });

  it('makes a stray of what was bought for a job that is forgotten too, and cancels it', async () => {
    const bought = await scene.make({ seed: 1 });
    const gone = '01890a5d-ac96-774b-bcce-b302099a8057';
    scene.remembered.push({ jobId: gone, subject: 'clip:1', predictionId: bought.id, attempt: 1 });
    expect(await repair()).toMatchObject([{ what: 'stray', jobId: gone }]);
    expect(bought.status).toBe('canceled');
    expect(await knex()('strays')).toMatchObject([{ provider_id: bought.id, purchase_id: null }]);
  });

  it('makes a stray of what nobody remembers, and leaves it running', async () => {
    const foreign = await scene.make({ seed: 1 });
    expect(await repair()).toMatchObject([{ what: 'stray', jobId: null }]);
    expect(foreign.status).toBe('starting');
  });

  it('goes before the fingerprint: equal inputs are bought more than once where a model takes no seed', async () => {
    const first = await scene.make({ seed: 1, status: 'succeeded' });
    await insertPurchase(knex(), { jobId, state: 'stored', providerId: first.id, fingerprint: 'seed:1' });
    const second = await scene.make({ seed: 1 });
    scene.remembered.push({ jobId, subject: 'clip:1', predictionId: second.id, attempt: 2 });
    expect(await repair()).toMatchObject([{ what: 'repaired', attempt: 2 }]);
    expect(second.status).toBe('starting');
  });

  it('looks at what was made since the clock and five minutes before', async () => {
    await scene.make({ seed: 1, agoMs: 26 * MINUTE_MS });
    const inside = await scene.make({ seed: 2, agoMs: 24 * MINUTE_MS });
    expect((await repair()).map(({ prediction }) => prediction.id)).toEqual([inside.id]);
  });

  it('lets purchases go on, and the clock with them', async () => {
    await clockStoodAt(11 * MINUTE_MS);
    await start();
    expect(await liftLedgerPause(knex())).toBe(true);
    expect(await findPause(knex())).toBeUndefined();
    expect(await ageMs()).toBeLessThan(MINUTE_MS);
  });
});
