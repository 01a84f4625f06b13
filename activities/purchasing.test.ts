import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clipSubject, type GenerationInput } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { createFakeProvider, type FakeProvider } from '../replicate/fake-provider.js';
import { type LedgerRow, purchasesOf } from '../storage/ledger.js';
import { grantPost, recordKnown } from '../storage/ledger-moves.js';
import { findPause, pausePurchasing, resumePurchasing } from '../storage/purchasing.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { createBuy } from './buy.js';
import type { ActivitySettings } from './deps.js';
import { openIntent } from './intent.js';

let rig: ActivityRig;
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());
beforeEach(() => resumePurchasing(rig.database.knex));

const account = new ReelwrightError('PROVIDER_ACCOUNT', 'the provider answered 402: Insufficient credit');

interface Scene {
  provider: FakeProvider;
  subject: GenerationInput;
  buy(settings?: Partial<ActivitySettings>): ReturnType<ReturnType<typeof createBuy>>;
  rows(): Promise<LedgerRow[]>;
}

async function scene(): Promise<Scene> {
  const provider = createFakeProvider();
  const subject: GenerationInput = { jobId: await rig.order(1), subject: clipSubject(1) };
  return {
    provider,
    subject,
    buy: (settings) => attempt(createBuy(rig.deps(provider, settings)), subject),
    rows: () => purchasesOf(rig.database.knex, subject.jobId, subject.subject),
  };
}

const refuseOnce = (provider: FakeProvider, error = account): void =>
  provider.answerNextWith(async () => ({ kind: 'not-created', error }));

describe('trouble with the account', () => {
  it('pauses every purchase, which then wait without using attempts', async () => {
    const first = await scene();
    refuseOnce(first.provider);
    await expect(first.buy()).rejects.toMatchObject({ code: 'PROVIDER_ACCOUNT' });
    expect(await findPause(rig.database.knex)).toMatchObject({ code: 'PROVIDER_ACCOUNT', pausedBy: 'provider' });
    const second = await scene();
    for (const { buy } of [first, second, second]) {
      await expect(buy()).rejects.toMatchObject({ code: 'PURCHASING_PAUSED', retryAfterMs: 10 });
    }
    expect(await second.rows()).toEqual([]);
    expect((await first.rows()).map(({ state, attempt: number }) => [state, number])).toEqual([['failed', 1]]);
  });

  it('is over when a probe is bought, of which there is one at a time', async () => {
    const first = await scene();
    refuseOnce(first.provider);
    await expect(first.buy({ probeAfterMs: 1 })).rejects.toMatchObject({ code: 'PROVIDER_ACCOUNT' });
    const others = await Promise.all([scene(), scene(), scene()]);
    let answer: () => void = () => undefined;
    const mayAnswer = new Promise<void>((resolve) => {
      answer = resolve;
    });
    for (const { provider } of others) {
      provider.answerNextWith(async (make) => {
        await mayAnswer;
        return { kind: 'created', prediction: make() };
      });
    }
    const buys = others.map(({ buy }) => buy({ probeAfterMs: 3_600_000, probeMaxMs: 7_200_000 }));
    const codes: unknown[] = [];
    const settled = buys.map((buy) => buy.catch(({ code }: { code: unknown }) => void codes.push(code)));
    // The others are refused before the probe has its answer.
    await expect.poll(() => codes).toEqual(['PURCHASING_PAUSED', 'PURCHASING_PAUSED']);
    answer();
    await Promise.all(settled);
    expect(codes).toHaveLength(2);
    expect(await findPause(rig.database.knex)).toBeUndefined();
    await first.buy();
    expect(first.provider.made).toHaveLength(1);
  });

  it('goes on when the probe is refused as well, and the next probe comes later', async () => {
    const first = await scene();
    refuseOnce(first.provider);
    await expect(first.buy({ probeAfterMs: 1 })).rejects.toMatchObject({ code: 'PROVIDER_ACCOUNT' });
    refuseOnce(first.provider);
    await expect(first.buy({ probeAfterMs: 3_600_000, probeMaxMs: 7_200_000 })).rejects.toMatchObject({
      code: 'PROVIDER_ACCOUNT',
    });
    const pause = await findPause(rig.database.knex);
    expect(pause?.probes).toBe(1);
    // Twice as late as the first.
    expect(Number(pause?.probeAt) - Date.now()).toBeGreaterThan(3_600_000);
    await expect(first.buy()).rejects.toMatchObject({ code: 'PURCHASING_PAUSED' });
    expect(first.provider.made).toHaveLength(0);
  });

  it('loses no probe to a purchase that has nothing to post', async () => {
    const { knex } = rig.database;
    await pausePurchasing(knex, { code: 'PROVIDER_ACCOUNT', reason: '402', pausedBy: 'provider', probeAfterMs: 0 });
    const before = await findPause(knex);
    const waiting = await scene();
    await expect(waiting.buy({ openPurchasesPerOwner: 0 })).rejects.toMatchObject({ code: 'PURCHASE_LIMIT' });
    expect(await findPause(knex)).toEqual(before);
    await waiting.buy();
    expect(await findPause(knex)).toBeUndefined();
  });

  it('is over when a probe is found whose answer was lost', async () => {
    const { knex } = rig.database;
    await pausePurchasing(knex, { code: 'PROVIDER_ACCOUNT', reason: '402', pausedBy: 'provider', probeAfterMs: 0 });
    const lost = await scene();
    lost.provider.answerNextWith(async (make) => {
      make();
      return { kind: 'unknown', error: new ReelwrightError('PROVIDER_UNAVAILABLE', 'the connection was cut') };
    });
    await expect(lost.buy()).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
    expect(await findPause(knex)).toMatchObject({ probes: 0 });
    await lost.buy();
    expect(await findPause(knex)).toBeUndefined();
    expect(lost.provider.made).toHaveLength(1);
  });

  it('is over when a webhook has told the api of it', async () => {
    const { knex } = rig.database;
    await pausePurchasing(knex, { code: 'PROVIDER_ACCOUNT', reason: '402', pausedBy: 'provider', probeAfterMs: 0 });
    const lost = await scene();
    lost.provider.answerNextWith(async (make) => {
      make();
      return { kind: 'unknown', error: new ReelwrightError('PROVIDER_UNAVAILABLE', 'the connection was cut') };
    });
    await expect(lost.buy()).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
    const [row] = await lost.rows();
    await recordKnown(knex, row?.id ?? '', lost.provider.made[0]?.id ?? '', 'webhook');
    await lost.buy();
    expect(await findPause(knex)).toBeUndefined();
  });
});

describe('a pause by hand', () => {
  const byHand = { code: 'PURCHASING_PAUSED' as const, reason: 'a check', pausedBy: 'an operator', probeAfterMs: null };

  it('lets nothing through, no probe either, until it is lifted by hand', async () => {
    await pausePurchasing(rig.database.knex, byHand);
    const { provider, buy } = await scene();
    await expect(buy({ probeAfterMs: 1 })).rejects.toMatchObject({ code: 'PURCHASING_PAUSED' });
    expect(await resumePurchasing(rig.database.knex, { onlyProbed: true })).toBe(false);
    expect(await resumePurchasing(rig.database.knex)).toBe(true);
    await buy();
    expect(provider.made).toHaveLength(1);
  });

  it('keeps nothing waiting that was cancelled', async () => {
    await pausePurchasing(rig.database.knex, byHand);
    const { buy, subject } = await scene();
    await rig.database.knex('jobs').where({ id: subject.jobId }).update({ cancel_requested_at: new Date() });
    await expect(buy()).rejects.toMatchObject({ code: 'PREDICTION_CANCELED' });
  });

  it('takes the place of the provider’s, and not the other way round', async () => {
    const { knex } = rig.database;
    await pausePurchasing(knex, { code: 'PROVIDER_ACCOUNT', reason: '402', pausedBy: 'provider', probeAfterMs: 1 });
    await pausePurchasing(knex, byHand);
    await pausePurchasing(knex, { code: 'PROVIDER_ACCOUNT', reason: '402', pausedBy: 'provider', probeAfterMs: 1 });
    expect(await findPause(knex)).toMatchObject({ pausedBy: 'an operator', probeAt: null });
  });

  it('that comes between the intent and the POST takes the right to post', async () => {
    const { provider, buy, rows } = await scene();
    const deps = rig.deps(provider);
    const jobId = await rig.order(1);
    const subject = { jobId, subject: clipSubject(1) };
    const lease = randomUUID();
    const inputs = { firstImageUrl: null, lastImageUrl: null, expiresAt: null };
    const intent = await openIntent(deps, subject, lease, inputs);
    await pausePurchasing(rig.database.knex, byHand);
    expect(await grantPost(rig.database.knex, intent.id, lease)).toBeUndefined();
    // Nor does the one purchase get it that tried an account which a person, or a ledger that is behind, has stopped since.
    expect(await grantPost(rig.database.knex, intent.id, lease, { whilePaused: true })).toBeUndefined();
    await expect(buy()).rejects.toMatchObject({ code: 'PURCHASING_PAUSED' });
    expect(await rows()).toEqual([]);
    await resumePurchasing(rig.database.knex);
    await pausePurchasing(rig.database.knex, { ...byHand, code: 'PROVIDER_ACCOUNT', probeAfterMs: 0 });
    expect(await grantPost(rig.database.knex, intent.id, lease)).toBeUndefined();
    expect(await grantPost(rig.database.knex, intent.id, lease, { whilePaused: true })).toBeGreaterThan(0);
  });
});
