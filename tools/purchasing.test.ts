import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { advanceLedgerClock, readLedgerClock } from '../storage/ledger-clock.js';
import { findPause, pausePurchasing } from '../storage/purchasing.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { insertPurchase, VEO } from '../test/support/ledger-rows.js';
import { runToolProcess } from '../test/support/run-tool.js';

let rig: ActivityRig;
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());
beforeEach(() => rig.database.knex('purchasing_paused').delete());

const run = (args: string[], url: string | undefined = rig.database.pool.options.connectionString) =>
  runToolProcess('tools/purchasing.ts', args, { DATABASE_URL: url });

describe('npm run purchasing', () => {
  test('pauses purchasing with a reason until somebody lifts it, and lifts it', async () => {
    const paused = await run(['pause', '--reason', 'the invoice is wrong']);
    expect(paused.code).toBe(0);
    expect(paused.out).toContain('until somebody lifts it: PURCHASING_PAUSED: the invoice is wrong');
    expect(await findPause(rig.database.knex)).toMatchObject({ code: 'PURCHASING_PAUSED', probeAt: null });
    expect((await run(['resume'])).out).toBe('purchasing goes on\n');
    expect(await findPause(rig.database.knex)).toBeUndefined();
    expect((await run(['resume'])).out).toBe('purchasing was not paused\n');
  });

  test('keeps the reason of a pause that somebody else made', async () => {
    await run(['pause', '--reason', 'first']);
    expect((await run(['pause', '--reason', 'second'])).out).toContain(': first');
  });

  test('does not lift the pause of a ledger that may lack purchases, and says what to run', async () => {
    await advanceLedgerClock(rig.database.knex);
    const pause = { code: 'LEDGER_BEHIND', reason: 'x', pausedBy: 'ledger', probeAfterMs: null } as const;
    await pausePurchasing(rig.database.knex, pause);
    const { code, err } = await run(['resume']);
    expect(code).toBe(1);
    const since = (await readLedgerClock(rig.database.knex))?.at.toISOString();
    expect(err).toContain(`npm run reconcile -- --since ${since}`);
    expect(await findPause(rig.database.knex)).toMatchObject({ code: 'LEDGER_BEHIND' });
  });

  test('does not lift a pause by hand while the ledger’s clock stands still', async () => {
    const { knex } = rig.database;
    await run(['pause', '--reason', 'a restore']);
    await advanceLedgerClock(knex);
    await knex('ledger_clock').update({ at: knex.raw(`now() - interval '11 minutes'`) });
    const { code, err } = await run(['resume']);
    expect([code, err]).toEqual([1, expect.stringContaining('npm run reconcile -- --since ')]);
    await advanceLedgerClock(knex);
    expect((await run(['resume'])).out).toBe('purchasing goes on\n');
  });

  test('shows the pause, the open strays and the purchases whose outcome nobody knows', async () => {
    const empty = await run(['status']);
    expect(empty.code).toBe(0);
    expect(empty.out).toMatch(/^purchasing goes on\n[\s\S]*open strays: 0\n\nunknown purchases: 0\n$/);

    const jobId = await rig.order(1);
    const purchaseId = await insertPurchase(rig.database.knex, { jobId, state: 'unknown' });
    await rig.database.knex('strays').insert({
      provider_id: 'stray1',
      purchase_id: purchaseId,
      model: VEO,
      status: 'processing',
      estimate_usd: 0.4,
      reason: 'it is in the list',
      created_at: new Date(),
    });
    await run(['pause', '--reason', 'a test']);
    const { out } = await run(['status']);
    expect(out).toContain('purchasing is paused since ');
    expect(out).toMatch(new RegExp(`stray1 +${VEO} +processing +${jobId} +clip:1 +\\$0\\.4 .* it is in the list`));
    expect(out).toMatch(new RegExp(`unknown purchases: 1\n.*\n${jobId} +clip:1 +1 +${VEO} +\\$0\\.4`));
  });

  test.each([
    ['expected status, pause or resume, got nothing', []],
    ['got stop', ['stop']],
    ['expected --reason with 1 to 500 characters, got 0', ['pause']],
    ['got 501', ['pause', '--reason', 'x'.repeat(501)]],
    ['--json', ['status', '--json']],
    ['now', ['resume', 'now']],
  ])('says %j for a wrong command line, and exits with 2', async (said, args) => {
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(said);
    expect(err).toContain('usage:');
  });
});
