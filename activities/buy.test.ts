import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clipSubject, type GenerationInput } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { createFakeProvider, type FakeProvider } from '../replicate/fake-provider.js';
import type { CreateResult } from '../replicate/video-provider.js';
import { findClip } from '../storage/clips-repository.js';
import { findJobRow } from '../storage/jobs-repository.js';
import { type LedgerRow, latestPurchase } from '../storage/ledger.js';
import { grantPost } from '../storage/ledger-moves.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { startTestReplicate, type TestReplicate } from '../test/support/local-replicate.js';
import { createBuy } from './buy.js';
import type { ActivitySettings } from './deps.js';
import { openIntent } from './intent.js';

let rig: ActivityRig;
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());

interface Scene {
  provider: FakeProvider;
  subject: GenerationInput;
  buy(settings?: Partial<ActivitySettings>): ReturnType<ReturnType<typeof createBuy>>;
  row(): Promise<LedgerRow>;
}

async function scene(): Promise<Scene> {
  const provider = createFakeProvider();
  const subject = { jobId: await rig.order(1), subject: clipSubject(1) };
  return {
    provider,
    subject,
    buy: (settings) => attempt(createBuy(rig.deps(provider, settings)), subject),
    row: async () => (await latestPurchase(rig.database.knex, subject.jobId, subject.subject)) as LedgerRow,
  };
}

const unavailable = new ReelwrightError('PROVIDER_UNAVAILABLE', 'the connection was cut');

describe('buy', () => {
  it('writes the intent, posts once, and keeps the id', async () => {
    const { provider, buy, row } = await scene();
    const bought = await buy();
    expect(provider.made.map(({ id }) => id)).toEqual([bought.predictionId]);
    expect(await row()).toMatchObject({
      state: 'known',
      attempt: 1,
      providerId: bought.predictionId,
      estimateUsd: 0.4,
    });
  });

  it('is the start of its clip, whose last failure is told no more', async () => {
    const { buy, subject } = await scene();
    const { knex } = rig.database;
    const error = JSON.stringify({ code: 'PROVIDER_FAULT', message: 'E1000' });
    await knex('clips').where({ job_id: subject.jobId }).update({ error });
    const before = await findJobRow(knex, subject.jobId);
    await buy();
    const clip = await findClip(knex, subject.jobId, 1);
    expect(clip).toMatchObject({ status: 'generating', error: null, startedAt: expect.any(Date), completedAt: null });
    // Whoever lists jobs by their last change sees it.
    const after = await findJobRow(knex, subject.jobId);
    expect(after?.updatedAt.getTime()).toBeGreaterThan(before?.updatedAt.getTime() ?? Number.NaN);
  });

  it('answers with what is bought when it is asked again', async () => {
    const { provider, buy } = await scene();
    const first = await buy();
    expect(await buy()).toEqual(first);
    expect(provider.made).toHaveLength(1);
  });

  it('posts once when two attempts of it run at the same time', async () => {
    const { provider, buy } = await scene();
    const results = await Promise.allSettled([buy(), buy(), buy(), buy()]);
    expect(provider.made).toHaveLength(1);
    const ids = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.predictionId] : []));
    expect(new Set(ids)).toEqual(new Set([provider.made[0]?.id]));
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'PURCHASE_PENDING' });
    }
  });

  it('does not post for an intent that another attempt has taken over', async () => {
    const { provider, buy, subject, row } = await scene();
    const inputs = { firstImageUrl: null, lastImageUrl: null, expiresAt: null };
    const stopped = randomUUID();
    const intent = await openIntent(rig.deps(provider), subject, stopped, inputs);
    const { predictionId } = await buy();
    // The worker that was stopped between its intent and its POST goes on.
    expect(await grantPost(rig.database.knex, intent.id, stopped)).toBeUndefined();
    expect(provider.made.map(({ id }) => id)).toEqual([predictionId]);
    expect(await row()).toMatchObject({ attempt: 1, providerId: predictionId, input: provider.made[0]?.input });
  });

  it('does not post when the window of the intent has closed', async () => {
    const { provider, buy, subject, row } = await scene();
    await rig.database.knex.raw(`
      CREATE FUNCTION close_window() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN IF NEW.job_id = ''${subject.jobId}'' THEN NEW.post_by = now() - interval ''1 second''; END IF; RETURN NEW; END'`);
    await rig.database.knex.raw(
      'CREATE TRIGGER close_window BEFORE INSERT ON predictions FOR EACH ROW EXECUTE FUNCTION close_window()',
    );
    try {
      await expect(buy()).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
    } finally {
      await rig.database.knex.raw('DROP TRIGGER close_window ON predictions; DROP FUNCTION close_window');
    }
    expect(provider.made).toHaveLength(0);
    expect((await row()).state).toBe('intended');
    // The next attempt opens the window anew.
    await buy();
    expect(provider.made).toHaveLength(1);
  });

  it('does not post when it comes to its right so late that no time is left', async () => {
    const { provider, buy, subject, row } = await scene();
    const { knex } = rig.database;
    await knex.raw(`
      CREATE FUNCTION nearly_over() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN IF NEW.job_id = ''${subject.jobId}'' THEN NEW.post_by = now() + interval ''4 seconds''; END IF; RETURN NEW; END'`);
    await knex.raw(
      `CREATE TRIGGER nearly_over BEFORE UPDATE ON predictions FOR EACH ROW WHEN (NEW.state = 'posting') EXECUTE FUNCTION nearly_over()`,
    );
    try {
      await expect(buy()).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
    } finally {
      await knex.raw('DROP TRIGGER nearly_over ON predictions; DROP FUNCTION nearly_over');
    }
    expect(provider.made).toHaveLength(0);
    expect(await row()).toMatchObject({ attempt: 1, state: 'failed', costUsd: 0 });
    expect(await buy()).toMatchObject({ attempt: 2 });
  });

  it('adopts a purchase whose answer was lost instead of posting again', async () => {
    const { provider, buy, row } = await scene();
    provider.answerNextWith(async (make): Promise<CreateResult> => {
      make();
      return { kind: 'unknown', error: unavailable };
    });
    await expect(buy()).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
    expect((await row()).state).toBe('unknown');
    expect(await buy()).toMatchObject({ predictionId: provider.made[0]?.id, attempt: 1 });
    expect(provider.made).toHaveLength(1);
  });

  it('buys a second time only after two complete lists without a trace', async () => {
    const { provider, buy, row, subject } = await scene();
    provider.answerNextWith(async () => ({ kind: 'unknown', error: unavailable }));
    await expect(buy()).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
    // The window has not been closed for long enough: the list proves nothing yet.
    await expect(buy({ absenceAfterMs: 120_000 })).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
    expect((await row()).absentSince).toBeNull();
    await rig.database
      .knex('predictions')
      .where({ job_id: subject.jobId })
      .update({ post_by: new Date(Date.now() - 1000) });
    await expect(buy({ absenceAfterMs: 0 })).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
    await expect(buy({ absenceAfterMs: 0 })).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
    expect(await row()).toMatchObject({ attempt: 1, state: 'unknown' });
    await rig.database
      .knex('predictions')
      .where({ job_id: subject.jobId })
      .update({ absent_since: new Date(Date.now() - 11_000) });
    await expect(buy({ absenceAfterMs: 0 })).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
    expect(await row()).toMatchObject({ attempt: 1, state: 'failed' });
    expect(await buy()).toMatchObject({ attempt: 2 });
    expect(provider.made).toHaveLength(1);
  });

  it('waits while the list holds an erased prediction that might be the one', async () => {
    const { provider, buy, subject } = await scene();
    provider.answerNextWith(async (make): Promise<CreateResult> => {
      Object.assign(make(), { input: {}, dataRemoved: true });
      return { kind: 'unknown', error: unavailable };
    });
    await expect(buy()).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
    const longAgo = (ms: number): Promise<number> =>
      rig.database
        .knex('predictions')
        .where({ job_id: subject.jobId })
        .update({ post_by: new Date(Date.now() - ms), absent_since: new Date(0) });
    await longAgo(10 * 60_000);
    await expect(buy({ absenceAfterMs: 0 })).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
    await longAgo(51 * 60_000);
    await expect(buy({ absenceAfterMs: 0 })).rejects.toMatchObject({
      code: 'PURCHASE_UNKNOWN',
      message: expect.stringContaining(`candidates: ${provider.made[0]?.id}`),
    });
    expect(provider.made).toHaveLength(1);
  });

  it('cancels its own prediction when its answer comes after the row was resolved without it', async () => {
    const { provider, buy, subject, row } = await scene();
    provider.answerNextWith(async (make) => {
      const mine = make();
      await rig.database
        .knex('predictions')
        .where({ job_id: subject.jobId })
        .update({ state: 'known', provider_id: `adopted-${mine.id}` });
      return { kind: 'created', prediction: mine };
    });
    await expect(buy()).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
    expect(provider.made.map(({ status }) => status)).toEqual(['canceled']);
    expect((await row()).providerId).toMatch(/^adopted-/);
  });

  it('takes a new attempt after an answer that proves that nothing was created and may pass', async () => {
    const { provider, buy, row } = await scene();
    const throttled = new ReelwrightError('PROVIDER_RATE_LIMITED', 'throttled', { retryAfterMs: 7000 });
    provider.answerNextWith(async () => ({ kind: 'not-created', error: throttled }));
    await expect(buy()).rejects.toMatchObject({ code: 'PROVIDER_RATE_LIMITED', retryAfterMs: 7000 });
    expect(await row()).toMatchObject({ attempt: 1, state: 'failed', costUsd: 0 });
    expect(await buy()).toMatchObject({ attempt: 2 });
    expect(provider.made).toHaveLength(1);
  });

  it('never tries an input again that the provider refused', async () => {
    const { provider, buy } = await scene();
    const refused = new ReelwrightError('PROVIDER_REJECTED_INPUT', 'duration: must be one of 4, 6, 8');
    provider.answerNextWith(async () => ({ kind: 'not-created', error: refused }));
    for (let asked = 0; asked < 2; asked += 1) {
      await expect(buy()).rejects.toMatchObject({ code: 'PROVIDER_REJECTED_INPUT' });
    }
    expect(provider.made).toHaveLength(0);
  });

  it('opens no other attempt for a clip that was cancelled while it waited', async () => {
    const { provider, buy, subject } = await scene();
    const throttled = new ReelwrightError('PROVIDER_RATE_LIMITED', 'throttled');
    provider.answerNextWith(async () => ({ kind: 'not-created', error: throttled }));
    await expect(buy()).rejects.toMatchObject({ code: 'PROVIDER_RATE_LIMITED' });
    await rig.database.knex('clips').where({ job_id: subject.jobId }).update({ status: 'cancelled' });
    await expect(buy()).rejects.toMatchObject({ code: 'PREDICTION_CANCELED' });
    expect(provider.made).toHaveLength(0);
  });

  it('buys nothing for a job that was cancelled', async () => {
    const { provider, buy, subject } = await scene();
    await rig.database.knex('jobs').where({ id: subject.jobId }).update({ status: 'cancelled' });
    await expect(buy()).rejects.toMatchObject({ code: 'PREDICTION_CANCELED' });
    expect(provider.made).toHaveLength(0);
  });
});

describe('buy at a server that speaks the provider’s API', () => {
  let replicate: TestReplicate;
  beforeAll(async () => {
    replicate = await startTestReplicate();
  });
  afterAll(() => replicate.close());

  it.each(['lost-answer', 'created-500'])('buys once although the answer is lost (%s)', async (fault) => {
    const jobId = await rig.order(1, { clips: [{ prompt: `a room and ${fault}`, durationSeconds: 4 }] });
    await replicate.arm({ fault, match: { promptIncludes: fault } });
    const subject = { jobId, subject: clipSubject(1) };
    const buy = createBuy(rig.deps(replicate.provider));
    await expect(attempt(buy, subject)).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
    const { predictionId } = await attempt(buy, subject);
    const bought = (await replicate.bought()).filter(({ input }) => String(input['prompt']).includes(fault));
    expect(bought.map(({ id }) => id)).toEqual([predictionId]);
  });
});
