import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { createPurchaseHistories } from '../activities/purchase-histories.js';
import { generationId } from '../domain/contract.js';
import { purchasesOf } from '../storage/ledger.js';
import { advanceLedgerClock, readLedgerClock } from '../storage/ledger-clock.js';
import { findPause, pausePurchasing } from '../storage/purchasing.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { VEO } from '../test/support/ledger-rows.js';
import { startTestReplicate, type TestReplicate } from '../test/support/local-replicate.js';
import { runToolProcess } from '../test/support/run-tool.js';
import { withWorkflowRig } from '../test/support/shared-workflow-rig.js';
import type { AllActivities } from '../test/support/workflow-rig.js';

const NEVER = { firstMs: 3_600_000, maxMs: 3_600_000, factor: 1 };
const since = (): string => new Date(Date.now() - 3_600_000).toISOString();

let rig: ActivityRig;
let replicate: TestReplicate;
beforeAll(async () => {
  rig = await createActivityRig();
  replicate = await startTestReplicate();
});
afterAll(async () => {
  await replicate.close();
  await rig.close();
});
beforeEach(async () => {
  for (const table of ['purchasing_paused', 'ledger_clock']) await rig.database.knex(table).delete();
  await advanceLedgerClock(rig.database.knex);
  const pause = { code: 'LEDGER_BEHIND', reason: 'a backup', pausedBy: 'ledger-match', probeAfterMs: null } as const;
  await pausePurchasing(rig.database.knex, pause);
});

const run = (args: string[], variables: Record<string, string> = {}) =>
  runToolProcess('tools/reconcile.ts', args, {
    DATABASE_URL: rig.database.pool.options.connectionString,
    TEMPORAL_ADDRESS: inject('temporal').address,
    TEMPORAL_NAMESPACE: inject('temporal').namespace,
    REPLICATE_API_TOKEN: 'r8_test',
    REPLICATE_BASE_URL: replicate.server.url,
    ...variables,
  });

async function buy(seed: number): Promise<string> {
  const result = await replicate.provider.create({
    model: VEO,
    input: { prompt: 'x', seed, duration: 4, aspect_ratio: '16:9', resolution: '1080p', generate_audio: false },
    cancelAfterSeconds: 600,
    signal: AbortSignal.timeout(10_000),
  });
  if (result.kind !== 'created') throw result.error;
  return result.prediction.id;
}

describe('npm run reconcile', () => {
  test('repairs what only a history remembers, tells strays, and lets purchases go on', async () => {
    const jobId = await rig.order(1);
    const [bought, foreign] = [await buy(1), await buy(2)];
    const activities: Partial<AllActivities> = {
      prepareGeneration: async () => ({ outcome: null, polling: NEVER }),
      buy: async () => ({ predictionId: bought, attempt: 1 }),
    };
    await withWorkflowRig(activities as AllActivities, async ({ client, taskQueue }) => {
      const workflowId = generationId(jobId, 'clip:1');
      const args = [{ jobId, subject: 'clip:1' }];
      const handle = await client.workflow.start('generation', { workflowId, taskQueue, args });
      await vi.waitFor(
        async () => {
          const ids: string[] = [];
          const histories = createPurchaseHistories(client).boughtSince(new Date(Date.now() - 60_000));
          for await (const { predictionId } of histories) ids.push(predictionId);
          expect(ids).toContain(bought);
        },
        { timeout: 20_000, interval: 100 },
      );
      await handle.terminate();
    });
    const { code, out, err } = await run(['--since', since()]);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(new RegExp(`${bought} +${VEO} .* repaired +${jobId} +clip:1 +1`));
    expect(out).toMatch(new RegExp(`${foreign} +${VEO} .* stray +- +- +-`));
    expect(out).toContain('0 adopted, 1 repaired, 1 strays\nreconcile: purchasing goes on');
    expect(await purchasesOf(rig.database.knex, jobId, 'clip:1')).toMatchObject([
      { state: 'known', providerId: bought, adoptedFrom: 'history' },
    ]);
    expect(await findPause(rig.database.knex)).toBeUndefined();
    const again = await run(['--since', since()]);
    expect(again.out).toContain('0 adopted, 0 repaired, 0 strays\nreconcile: purchasing was not paused by the ledger');
  });

  test('looks back to where the ledger’s clock stands, if that is earlier than it is told', async () => {
    await rig.database.knex('ledger_clock').update({ at: new Date('2026-01-01T00:00:00Z') });
    expect((await run(['--since', since()])).out).toContain('since 2026-01-01T00:00:00.000Z ');
    expect((await readLedgerClock(rig.database.knex))?.ageMs).toBeLessThan(3_600_000);
  });

  test('lifts no pause but the ledger’s', async () => {
    await rig.database.knex('purchasing_paused').update({ code: 'PURCHASING_PAUSED', reason: 'holidays' });
    const { code, out } = await run(['--since', since()]);
    expect(code).toBe(0);
    expect(out).toContain('purchasing is still paused');
    expect(await findPause(rig.database.knex)).toMatchObject({ reason: 'holidays' });
  });

  test('exits with 1 and leaves purchasing paused when the provider’s list cannot be read', async () => {
    const { code, err } = await run(['--since', since()], { REPLICATE_BASE_URL: 'http://127.0.0.1:9/v1' });
    expect(code).toBe(1);
    expect(err).toContain('reconcile: ');
    expect(err).not.toContain('r8_test');
    expect(await findPause(rig.database.knex)).toMatchObject({ code: 'LEDGER_BEHIND' });
  });

  test.each([
    [[], 'got nothing'],
    [['--since', 'yesterday'], 'got yesterday'],
    [['--since', '2026-05-01'], 'got 2026-05-01'],
    [['--since', '2026-13-01T00:00:00Z'], 'got 2026-13-01T00:00:00Z'],
    [['--since', '2999-01-01T00:00:00Z'], 'expected a time that has passed'],
    [['--until', 'x'], '--until'],
  ])('says for %j what was expected, and exits with 2', async (args, said) => {
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(said);
    expect(err).toContain('usage:');
  });
});
