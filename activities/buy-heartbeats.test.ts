/** The answer of the provider in the heartbeat of a purchase: what it mends when a worker or the database loses its row. */
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Knex } from 'knex';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clipSubject } from '../domain/contract.js';
import { createFakeProvider } from '../replicate/fake-provider.js';
import type { CreateResult } from '../replicate/video-provider.js';
import { type LedgerRow, latestPurchase } from '../storage/ledger.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { createBuy } from './buy.js';

let rig: ActivityRig;
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());

async function scene() {
  const subject = { jobId: await rig.order(1), subject: clipSubject(1) };
  const row = async () => (await latestPurchase(rig.database.knex, subject.jobId, subject.subject)) as LedgerRow;
  return { provider: createFakeProvider(), subject, row };
}

describe('a purchase', () => {
  it('sends the answer in its first heartbeat, since the SDK keeps a second one back', async () => {
    const { provider, subject, row } = await scene();
    const environment = new MockActivityEnvironment();
    const beats: unknown[] = [];
    environment.on('heartbeat', (details: unknown) => void beats.push(details));
    await environment.run(createBuy(rig.deps(provider)), subject);
    const [made] = provider.made;
    expect(beats).toEqual([{ purchaseId: (await row()).id, predictionId: made?.id, attempt: 1 }]);
  });

  it.each<[string, (knex: Knex, id: string) => Promise<unknown>]>([
    [
      'the post',
      (knex, id) => knex('predictions').where({ id }).update({ state: 'intended', posted_at: null, provider_id: null }),
    ],
    ['the intent', (knex, id) => knex('predictions').where({ id }).delete()],
  ])('keeps what was bought where the database has fallen back behind %s', async (_what, fallBack) => {
    const { provider, subject, row } = await scene();
    const { predictionId } = await attempt(createBuy(rig.deps(provider)), subject);
    const { id: purchaseId } = await row();
    const { knex } = rig.database;
    await fallBack(knex, purchaseId);
    const heartbeatDetails = { purchaseId, predictionId, attempt: 1 };
    for (let time = 0; time < 2; time += 1) {
      const again = await attempt(createBuy(rig.deps(provider)), subject, { heartbeatDetails });
      expect(again).toEqual({ predictionId, attempt: 1 });
    }
    expect(provider.made.map(({ id, status }) => [id, status])).toEqual([[predictionId, 'starting']]);
    expect(await row()).toMatchObject({ state: 'known', attempt: 1, providerId: predictionId });
    expect(await knex('strays').where({ provider_id: predictionId })).toEqual([]);
  });

  it('repairs the row from the heartbeat of an attempt that died before it could write the id', async () => {
    const { provider, subject, row } = await scene();
    provider.answerNextWith(async (make): Promise<CreateResult> => {
      make();
      throw new Error('the worker dies here');
    });
    await expect(attempt(createBuy(rig.deps(provider)), subject)).rejects.toThrow('dies here');
    const [made] = provider.made;
    const heartbeatDetails = { purchaseId: (await row()).id, predictionId: made?.id, attempt: 1 };
    const deps = rig.deps(provider);
    const bought = await attempt(createBuy(deps), subject, { heartbeatDetails });
    expect(bought.predictionId).toBe(made?.id);
    expect(await row()).toMatchObject({ state: 'known', providerId: made?.id });
  });
});
