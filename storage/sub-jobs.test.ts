import { v7 as uuidv7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { CLIP_USD, placeJob, placePurchase } from '../test/support/money-fixtures.js';
import { useDatabase } from '../test/support/use-database.js';
import { type LedgerRow, laterPurchases, listPurchases } from './ledger.js';
import { purchaseSettled, type Settlement } from './ledger-moves.js';
import type { SubJobKey } from './sub-job.js';
import { moveAndReadSubJob } from './sub-jobs.js';

const database = useDatabase();
let clip: SubJobKey;
/** A clip that was bought in vain once, for money, and is being made by a second purchase. */
beforeEach(async () => {
  const ownerId = uuidv7();
  await database.knex('owners').insert({ id: ownerId, name: ownerId });
  const jobId = await placeJob(database.knex, { ownerId, clips: ['generating'], status: 'generating' });
  clip = { kind: 'clip', jobId, number: 1 };
  await database
    .knex('jobs')
    .where({ id: jobId })
    .update({ updated_at: new Date(0) });
  const subject = 'clip:1' as const;
  await placePurchase(database.knex, { jobId, state: 'failed', subject, attempt: 1, costUsd: 0.3 });
  await placePurchase(database.knex, { jobId, state: 'known', subject, attempt: 2 });
});

const purchases = async (): Promise<LedgerRow[]> => await listPurchases(database.knex, clip.jobId);

/** What the row, its job and its second purchase are now. */
async function seen(): Promise<[string, boolean, string, number | null]> {
  const { knex } = database;
  const { status } = await knex('clips').where({ job_id: clip.jobId }).first('status');
  const { updated_at: touched } = await knex('jobs').where({ id: clip.jobId }).first('updated_at');
  const purchase = (await purchases())[1] as LedgerRow;
  return [status, touched.getTime() > 0, purchase.state, purchase.costUsd];
}

async function move(attempt: number, { from = 'generating', costUsd = CLIP_USD } = {}): Promise<unknown> {
  const { knex } = database;
  const purchase = (await purchases())[attempt - 1] as LedgerRow;
  const end: Settlement = { status: 'succeeded', costUsd, output: [], metrics: {}, error: null };
  return await moveAndReadSubJob(
    knex,
    purchase,
    [from] as never,
    { status: 'storing' },
    { unless: laterPurchases(knex, purchase), settled: purchaseSettled(knex, purchase.providerId ?? '', end) },
  );
}

describe('moveAndReadSubJob', () => {
  test('moves the row, settles its purchase, and gives the row with what that has cost', async () => {
    expect(await move(2)).toMatchObject({ ...clip, prompt: 'clip 1', attempt: 2, costUsd: 0.7 });
    expect(await seen()).toEqual(['storing', true, 'succeeded', CLIP_USD]);
  });

  test('gives the cost as it was settled before', async () => {
    await move(2);
    expect(await move(2, { from: 'storing', costUsd: 5 })).toMatchObject({ status: 'storing', costUsd: 0.7 });
    expect(await seen()).toEqual(['storing', true, 'succeeded', CLIP_USD]);
  });

  test.each([
    ['in another state', 2, { from: 'pending' }],
    ['with a later purchase', 1, {}],
  ])('changes nothing, the purchase neither, of a row %s', async (_, attempt, options) => {
    expect(await move(attempt, options)).toBeUndefined();
    expect(await seen()).toEqual(['generating', false, 'known', null]);
  });

  test('gives the row as it is where no end comes along', async () => {
    const moved = await moveAndReadSubJob(
      database.knex,
      { jobId: clip.jobId, subject: 'clip:1' },
      ['generating'],
      { status: 'storing' },
      {},
    );
    expect(moved).toMatchObject({ ...clip, costUsd: 0.3 });
    expect(moved).not.toHaveProperty('settledUsd');
    expect(await seen()).toEqual(['storing', true, 'known', null]);
  });
});
