import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ReelwrightError } from '../domain/errors.js';
import { advanceLedgerClock, readLedgerClock } from '../storage/ledger-clock.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { insertPurchase } from '../test/support/ledger-rows.js';
import { type ReconcileRig, reconcileRig, signal } from '../test/support/reconcile-rig.js';
import { compareLists } from './compare-lists.js';

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
  for (const table of ['strays', 'predictions', 'ledger_clock']) await rig.database.knex(table).delete();
  jobId = await rig.order(1);
  await advanceLedgerClock(rig.database.knex);
});

const insert = (options: Omit<Parameters<typeof insertPurchase>[1], 'jobId'>) =>
  insertPurchase(rig.database.knex, { jobId, ...options });
const strays = async (): Promise<string[]> =>
  (await rig.database.knex('strays').select('provider_id')).map((row: { provider_id: string }) => row.provider_id);
const compared = (agoMs: number) =>
  rig.database
    .knex('ledger_clock')
    .update({ compared_at: rig.database.knex.raw(`now() - ? * interval '1 millisecond'`, [agoMs]) });
const run = (settings: Partial<typeof scene.settings> = {}) =>
  compareLists(scene.deps, { ...scene.settings, ...settings }, signal);

describe('the comparison of the lists', () => {
  it('finds what no purchase has, cancels what is ours, and leaves what is known alone', async () => {
    const bought = await scene.make({ seed: 1 });
    await insert({ state: 'known', providerId: bought.id, fingerprint: 'seed:1' });
    const second = await scene.make({ seed: 1 });
    const foreign = await scene.make({ seed: 2 });
    expect(await run()).toBe(2);
    expect(new Set(await strays())).toEqual(new Set([second.id, foreign.id]));
    expect([bought.status, second.status, foreign.status]).toEqual(['starting', 'canceled', 'starting']);
  });

  it('counts a stray once', async () => {
    await scene.make({ seed: 2 });
    expect(await run()).toBe(1);
    expect(await run()).toBe(0);
  });

  it.each(['posting', 'unknown'] as const)('leaves what a purchase that is %s may adopt', async (state) => {
    await scene.make({ seed: 1 });
    await insert({ state, fingerprint: 'seed:1' });
    expect(await run()).toBe(0);
    expect(await strays()).toEqual([]);
  });

  it('leaves what is so young that its answer may be on the way, for the next time', async () => {
    const prediction = await scene.make({ seed: 1, agoMs: 10_000 });
    expect(await run({ tooYoungMs: 60_000 })).toBe(0);
    expect(await run({ tooYoungMs: 5_000 })).toBe(1);
    expect(await strays()).toEqual([prediction.id]);
  });

  it('is made when it is time, and not before', async () => {
    await scene.make({ seed: 1 });
    await compared(HOUR_MS / 2);
    expect(await run({ compareEveryMs: HOUR_MS })).toBeUndefined();
    expect(await strays()).toEqual([]);
    await compared(HOUR_MS);
    expect(await run({ compareEveryMs: HOUR_MS })).toBe(1);
    expect(await run({ compareEveryMs: HOUR_MS })).toBeUndefined();
  });

  it('reaches back two hours behind the last one, and never more than a day', async () => {
    const recent = await scene.make({ seed: 1, agoMs: 2.9 * HOUR_MS });
    const before = await scene.make({ seed: 2, agoMs: 3.1 * HOUR_MS });
    await compared(HOUR_MS);
    await run();
    expect(await strays()).toEqual([recent.id]);
    const ancient = await scene.make({ seed: 3, agoMs: 25 * HOUR_MS });
    await compared(100 * HOUR_MS);
    await run();
    expect(new Set(await strays())).toEqual(new Set([recent.id, before.id]));
    expect(await strays()).not.toContain(ancient.id);
  });

  it('that could not be made is made again', async () => {
    await compared(HOUR_MS);
    const deps = {
      ...scene.deps,
      provider: {
        ...scene.deps.provider,
        // oxlint-disable-next-line require-yield
        async *list() {
          throw new ReelwrightError('PROVIDER_UNAVAILABLE', 'page 2 is missing');
        },
      },
    };
    await expect(compareLists(deps, scene.settings, signal)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect((await readLedgerClock(rig.database.knex))?.comparedAgeMs).toBeGreaterThanOrEqual(HOUR_MS);
  });
});
