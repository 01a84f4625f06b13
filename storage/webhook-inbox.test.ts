import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertPurchase, type LedgerRowOptions, VEO } from '../test/support/ledger-rows.js';
import { placeJob } from '../test/support/money-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../test/support/postgres.js';
import { type Database, openDatabase } from './database.js';
import { dropOldWebhooks, WEBHOOKS_KEPT_FOR_MS } from './webhook-inbox.js';

let testDatabase: TestDatabase;
let database: Database;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

test('lets go of webhooks of a month ago, unless a purchase may still need them', async () => {
  const { knex } = database;
  const ownerId = uuidv7();
  await knex('owners').insert({ id: ownerId, name: 'Anna' });
  const jobId = await placeJob(knex, { ownerId, clips: ['pending'] });
  const state = async (name: string, given: Partial<LedgerRowOptions> & Pick<LedgerRowOptions, 'state'>) => {
    const attempt = Number((await knex('predictions').where({ job_id: jobId }).max({ n: 'attempt' }))[0]?.['n'] ?? 0);
    await insertPurchase(knex, {
      jobId,
      attempt: attempt + 1,
      providerId: name,
      fingerprint: `seed:${name}`,
      ...given,
    });
  };
  await state('stored', { state: 'stored' });
  await state('failed', { state: 'failed' });
  await state('lost', { state: 'succeeded', error: { code: 'OUTPUT_LOST', message: 'gone' } });
  await state('known', { state: 'known' });
  await state('succeeded', { state: 'succeeded' });
  await state('unknown', { state: 'unknown', providerId: null });
  const webhook = (prediction_id: string, days: number) => ({
    webhook_id: `${prediction_id} ${days}`,
    prediction_id,
    body: '{}',
    model: VEO,
    fingerprint: `seed:${prediction_id}`,
    received_at: knex.raw(`now() - ? * interval '1 day'`, [days]),
  });
  const names = ['stored', 'failed', 'lost', 'known', 'succeeded', 'unknown', 'nobody'];
  await knex('webhook_inbox').insert([...names.map((name) => webhook(name, 31)), webhook('stored', 29)]);
  expect(await dropOldWebhooks(knex, { keptForMs: WEBHOOKS_KEPT_FOR_MS, limit: 3 })).toBe(3);
  expect(await dropOldWebhooks(knex, { keptForMs: WEBHOOKS_KEPT_FOR_MS, limit: 3 })).toBe(1);
  const left = await knex('webhook_inbox').orderBy('webhook_id').pluck('webhook_id');
  expect(left).toEqual(['known 31', 'stored 29', 'succeeded 31', 'unknown 31']);
});
