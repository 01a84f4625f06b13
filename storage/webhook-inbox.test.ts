import { v7 as uuidv7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { insertPurchase, type LedgerRowOptions, VEO } from '../test/support/ledger-rows.js';
import { placeJob } from '../test/support/money-fixtures.js';
import { useDatabase } from '../test/support/use-database.js';
import { dropOldWebhooks, findAnnouncedPurchase, receiveWebhook, WEBHOOKS_KEPT_FOR_MS } from './webhook-inbox.js';

const database = useDatabase();

beforeEach(async () => {
  await database.knex('webhook_inbox').delete();
});

async function newJob(): Promise<string> {
  const ownerId = uuidv7();
  await database.knex('owners').insert({ id: ownerId, name: ownerId });
  return await placeJob(database.knex, { ownerId, clips: ['pending'] });
}

const sent = (webhookId: string, predictionId: string, body: object = {}) => ({
  webhookId,
  predictionId,
  body,
  model: VEO,
  fingerprint: null,
});

test('what comes is told to be new once, and whose it is where the ledger knows it', async () => {
  const { knex } = database;
  const jobId = await newJob();
  await insertPurchase(knex, { jobId, state: 'known', providerId: 'bought' });
  const generation = { jobId, subject: 'clip:1' };
  expect(await receiveWebhook(knex, sent('one', 'bought'))).toEqual({ received: 'new', generation });
  expect(await receiveWebhook(knex, sent('one', 'bought'))).toMatchObject({ received: 'known' });
  expect(await receiveWebhook(knex, sent('two', 'bought'))).toEqual({ received: 'new', generation });
  const unknown = { received: 'new', generation: undefined };
  expect(await receiveWebhook(knex, sent('three', 'nobody-knows'))).toEqual(unknown);
});

test('a purchase is found with the webhooks that came for it, the latest first, and with no others', async () => {
  const { knex } = database;
  const jobId = await newJob();
  await insertPurchase(knex, { jobId, state: 'known', providerId: 'announced' });
  expect(await findAnnouncedPurchase(knex, 'announced')).toMatchObject({ providerId: 'announced', webhooks: [] });
  for (const name of ['first', 'second']) await receiveWebhook(knex, sent(name, 'announced', { name }));
  await receiveWebhook(knex, sent('others', 'another'));
  const minuteAgo = knex.raw(`now() - interval '60 seconds'`);
  await knex('webhook_inbox').where({ webhook_id: 'first' }).update({ received_at: minuteAgo });
  const found = await findAnnouncedPurchase(knex, 'announced');
  expect(found).toMatchObject({ jobId, state: 'known', createdAt: expect.any(Date) });
  expect(found?.webhooks.map(({ body }) => body)).toEqual([{ name: 'second' }, { name: 'first' }]);
  expect(found?.webhooks[1]?.secondsAgo).toBeGreaterThanOrEqual(60);
  expect(await findAnnouncedPurchase(knex, 'another')).toBeUndefined();
});

test('lets go of webhooks of a month ago, unless a purchase may still need them', async () => {
  const { knex } = database;
  const jobId = await newJob();
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
