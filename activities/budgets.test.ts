import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clipSubject } from '../domain/contract.js';
import { createFakeProvider, type FakeProvider } from '../replicate/fake-provider.js';
import { recordStray } from '../storage/strays.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { createBuy } from './buy.js';
import type { ActivitySettings } from './deps.js';
import { openIntent } from './intent.js';

/** A clip of 4 s by the default model, without sound. */
const CLIP_USD = 0.4;

let rig: ActivityRig;
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());

interface Bought {
  provider: FakeProvider;
  /** The codes of those that were refused, in any order. */
  refused: unknown[];
}

/** Buys all clips of these jobs at the same time. */
async function buyAll(jobs: readonly string[], clips: number, settings?: Partial<ActivitySettings>): Promise<Bought> {
  const provider = createFakeProvider();
  const buy = createBuy(rig.deps(provider, settings));
  const subjects = jobs.flatMap((jobId) =>
    Array.from({ length: clips }, (_, index) => ({ jobId, subject: clipSubject(index + 1) })),
  );
  const results = await Promise.allSettled(subjects.map((subject) => attempt(buy, subject)));
  const refused = results.flatMap((result) =>
    result.status === 'rejected' ? [(result.reason as { code?: unknown }).code] : [],
  );
  return { provider, refused };
}

async function committedUsd(jobs: readonly string[]): Promise<number> {
  const [row] = await rig.database
    .knex('predictions')
    .whereIn('job_id', [...jobs])
    .sum({ usd: 'estimate_usd' });
  return Number(row?.['usd']);
}

async function newOwner(limits: object): Promise<string> {
  const [row] = await rig.database
    .knex('owners')
    .insert({ id: randomUUID(), name: randomUUID(), ...limits })
    .returning('id');
  return row.id;
}

const orderFor = async (ownerId: string, clips: number): Promise<string> => {
  const jobId = await rig.order(clips);
  await rig.database.knex('jobs').where({ id: jobId }).update({ owner_id: ownerId });
  return jobId;
};

describe('a budget', () => {
  it('of a job is never passed, however many clips ask for it at once', async () => {
    const jobId = await rig.order(12, { budgetUsd: 5 * CLIP_USD + 0.1 });
    const { provider, refused } = await buyAll([jobId], 12);
    expect(provider.made).toHaveLength(5);
    expect(refused).toEqual(Array(7).fill('BUDGET_EXCEEDED'));
    expect(await committedUsd([jobId])).toBeCloseTo(5 * CLIP_USD);
  });

  it('of a campaign is shared by its jobs', async () => {
    const { knex } = rig.database;
    const client = randomUUID();
    const campaign = randomUUID();
    await knex('clients').insert({ id: client, owner_id: rig.ownerId, name: 'a client' });
    await knex('campaigns').insert({
      id: campaign,
      owner_id: rig.ownerId,
      client_id: client,
      name: 'a campaign',
      goal: 'a goal',
      budget_usd: 3 * CLIP_USD,
    });
    const jobs = await Promise.all([rig.order(3), rig.order(3)]);
    await knex('jobs').whereIn('id', jobs).update({ campaign_id: campaign });
    const { provider, refused } = await buyAll(jobs, 3);
    expect(provider.made).toHaveLength(3);
    expect(refused).toEqual(Array(3).fill('BUDGET_EXCEEDED'));
  });

  it('counts what is free again, and what strays have cost', async () => {
    const { knex } = rig.database;
    const jobId = await rig.order(3, { budgetUsd: 2 * CLIP_USD });
    await buyAll([jobId], 1);
    // A failed prediction costs nothing: its reservation is free again.
    await knex('predictions').where({ job_id: jobId }).update({ cost_usd: 0 });
    const [purchase] = await knex('predictions').where({ job_id: jobId }).select('id');
    await recordStray(knex, {
      providerId: `stray-of-${jobId}`,
      purchaseId: purchase.id,
      model: 'google/veo-3.1-fast',
      fingerprint: null,
      status: 'succeeded',
      estimateUsd: CLIP_USD,
      costUsd: CLIP_USD,
      reason: 'a test',
      createdAt: new Date(),
    });
    const { provider, refused } = await buyAll([jobId], 3);
    expect(provider.made).toHaveLength(1);
    expect(refused).toEqual(['BUDGET_EXCEEDED']);
  });

  it('says what was reached, and how far', async () => {
    const jobId = await rig.order(1, { budgetUsd: 0.3 });
    const buy = attempt(createBuy(rig.deps(createFakeProvider())), { jobId, subject: clipSubject(1) });
    await expect(buy).rejects.toMatchObject({
      code: 'BUDGET_EXCEEDED',
      message: 'the budget of the job is $0.3: $0 of it is spent or reserved, and this would cost $0.4',
      details: { limitUsd: 0.3, committedUsd: 0, estimateUsd: 0.4 },
    });
  });
});

describe('the cap of an owner', () => {
  it('holds for the day', async () => {
    const ownerId = await newOwner({ daily_cap_usd: 2 * CLIP_USD });
    const jobs = await Promise.all([orderFor(ownerId, 2), orderFor(ownerId, 2)]);
    const { provider, refused } = await buyAll(jobs, 2);
    expect(provider.made).toHaveLength(2);
    expect(refused).toEqual(['BUDGET_EXCEEDED', 'BUDGET_EXCEEDED']);
    // What was bought yesterday does not count today.
    const yesterday = rig.database.knex.raw(`now() - interval '1 day'`);
    await rig.database.knex('predictions').whereIn('job_id', jobs).update({ created_at: yesterday });
    expect((await buyAll(jobs, 2)).provider.made).toHaveLength(2);
  });
});

describe('open purchases', () => {
  it('are never more than an owner may have at once; the others wait without an attempt', async () => {
    const jobs = await Promise.all([rig.order(4), rig.order(4)]);
    const ownerId = await newOwner({});
    await rig.database.knex('jobs').whereIn('id', jobs).update({ owner_id: ownerId });
    const { provider, refused } = await buyAll(jobs, 4, { openPurchasesPerOwner: 3 });
    expect(provider.made).toHaveLength(3);
    expect(refused).toEqual(Array(5).fill('PURCHASE_LIMIT'));
    const [count] = await rig.database.knex('predictions').whereIn('job_id', jobs).count({ rows: '*' });
    expect(count).toEqual({ rows: 3 });
  });

  it('of one owner do not count for another, and an owner may have a limit of its own', async () => {
    const mine = await orderFor(await newOwner({}), 2);
    const theirs = await orderFor(await newOwner({ open_purchases: 1 }), 2);
    const { provider, refused } = await buyAll([mine, theirs], 2, { openPurchasesPerOwner: 2 });
    expect(provider.made).toHaveLength(3);
    expect(refused).toEqual(['PURCHASE_LIMIT']);
  });

  it('of a clip are not counted against itself: its intent is taken over from a worker that died', async () => {
    const jobId = await orderFor(await newOwner({}), 1);
    const subject = { jobId, subject: clipSubject(1) };
    expect(await openIntent(rig.deps(createFakeProvider()), subject, randomUUID())).toMatchObject({
      state: 'intended',
    });
    const { provider, refused } = await buyAll([jobId], 1, { openPurchasesPerOwner: 1 });
    expect(refused).toEqual([]);
    expect(provider.made).toHaveLength(1);
  });

  it('make room when one has ended', async () => {
    const jobId = await orderFor(await newOwner({}), 2);
    await buyAll([jobId], 1, { openPurchasesPerOwner: 1 });
    expect((await buyAll([jobId], 2, { openPurchasesPerOwner: 1 })).refused).toEqual(['PURCHASE_LIMIT']);
    await rig.database.knex('predictions').where({ job_id: jobId }).update({ state: 'succeeded' });
    expect((await buyAll([jobId], 2, { openPurchasesPerOwner: 1 })).provider.made).toHaveLength(1);
  });
});
