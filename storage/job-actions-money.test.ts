import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { beforeAll, expect, test } from 'vitest';
import { placeJob, placePurchase } from '../test/support/money-fixtures.js';
import { useDatabase } from '../test/support/use-database.js';
import { reopenForRetry } from './job-actions.js';

const database = useDatabase({ poolMax: 8 });
let knex: Knex;
beforeAll(async () => {
  ({ knex } = database);
});

test("20 retries at once never pass the campaign's budget nor the owner's cap", async () => {
  const ownerId = uuidv7();
  await knex('owners').insert({ id: ownerId, name: 'an owner' });
  const clientId = uuidv7();
  const campaignId = uuidv7();
  await knex('clients').insert({ id: clientId, owner_id: ownerId, name: 'a client' });
  await knex('campaigns').insert({
    id: campaignId,
    owner_id: ownerId,
    client_id: clientId,
    name: 'a campaign',
    goal: 'bookings',
    status: 'active',
    // Seven clips, and not eight.
    budget_usd: 3,
  });
  // Nine in all, for those of the campaign and those without one.
  await knex('owners').where({ id: ownerId }).update({ daily_cap_usd: 3.7 });
  const jobs = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const campaign = index < 10 ? { campaignId } : {};
      const id = await placeJob(knex, { ownerId, status: 'failed', clips: ['failed'], ...campaign });
      await placePurchase(knex, {
        jobId: id,
        state: 'failed',
        costUsd: 0,
        error: { code: 'PROVIDER_REFUSED_CONTENT', message: 'refused' },
      });
      return id;
    }),
  );
  const results = await Promise.allSettled(
    jobs.map((id) => knex.transaction((trx) => reopenForRetry(trx, ownerId, id, {}))),
  );
  for (const result of results) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'BUDGET_EXCEEDED' });
  }
  const opened = await knex('predictions as p')
    .join('jobs as j', 'j.id', 'p.job_id')
    .where({ 'j.owner_id': ownerId, 'p.state': 'intended' })
    .select('j.campaign_id');
  expect(opened).toHaveLength(9);
  expect(opened.filter((row) => row.campaign_id !== null).length).toBeLessThanOrEqual(7);
});
