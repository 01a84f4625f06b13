import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClipDecision, clipSubject, type FailureInfo, type GenerationInput } from '../domain/contract.js';
import { type ErrorCode, ReelwrightError } from '../domain/errors.js';
import { createFakeProvider, type FakeProvider } from '../replicate/fake-provider.js';
import { type ClipRecord, findClip } from '../storage/clips-repository.js';
import { findJob, type JobRecord } from '../storage/jobs-repository.js';
import { type LedgerRow, purchasesOf } from '../storage/ledger.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { createBuy } from './buy.js';
import { createCollectOutput } from './collect-output.js';
import { createDecideClip } from './decide-clip.js';
import { createEndGeneration } from './generation-rows.js';

let rig: ActivityRig;
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());

class Scene {
  readonly provider: FakeProvider = createFakeProvider();
  readonly subject: GenerationInput;

  constructor(subject: GenerationInput) {
    this.subject = subject;
  }

  get deps(): ReturnType<ActivityRig['deps']> {
    return rig.deps(this.provider);
  }

  /** Buys, and lets the prediction fail with this text. */
  async fail(error: string): Promise<FailureInfo> {
    const { predictionId } = await attempt(createBuy(this.deps), this.subject);
    this.provider.finish(predictionId, { status: 'failed', error });
    const collected = attempt(createCollectOutput(this.deps), { ...this.subject, predictionId });
    return await collected.then(
      () => Promise.reject(new Error('expected a failure')),
      ({ code, message }: FailureInfo) => ({ code, message }),
    );
  }

  end(error: FailureInfo): ReturnType<ReturnType<typeof createEndGeneration>> {
    return attempt(createEndGeneration(this.deps), { ...this.subject, end: { status: 'failed', error } });
  }

  decide(decision: ClipDecision, activityId = randomUUID()): ReturnType<ReturnType<typeof createDecideClip>> {
    return attempt(createDecideClip(this.deps), { ...this.subject, decision }, { activityId });
  }

  async clip(): Promise<ClipRecord> {
    return (await findClip(rig.database.knex, this.subject.jobId, 1)) as ClipRecord;
  }

  async job(): Promise<JobRecord> {
    return (await findJob(rig.database.knex, this.subject.jobId)) as JobRecord;
  }

  rows(): Promise<LedgerRow[]> {
    return purchasesOf(rig.database.knex, this.subject.jobId, this.subject.subject);
  }
}

async function scene(order: Record<string, unknown> = {}): Promise<Scene> {
  const jobId = await rig.order(1, order);
  await rig.database.knex('jobs').where({ id: jobId }).update({ status: 'generating' });
  return new Scene({ jobId, subject: clipSubject(1) });
}

/** Of which nobody can say whether it was made: its answer is lost. */
async function unknownPurchase(): Promise<Scene> {
  const unknown = await scene();
  const error = new ReelwrightError('PROVIDER_UNAVAILABLE', 'cut');
  unknown.provider.answerNextWith(async () => ({ kind: 'unknown', error }));
  await expect(attempt(createBuy(unknown.deps), unknown.subject)).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
  return unknown;
}

const REFUSED = 'The input was flagged as sensitive (E005)';
const refusal = (code: ErrorCode): FailureInfo => ({ code, message: 'a reason' });

describe('a failed prediction', () => {
  it.each([
    ['E1000 unknown error', 'PROVIDER_FAULT'],
    ['E1001 out of memory', 'PROVIDER_FAULT'],
    ['E6716 timed out starting', 'PROVIDER_FAULT'],
    ['E006 input could not be read', 'PROVIDER_INPUT_UNREADABLE'],
  ])('with %s is followed by two more by itself, and then by nothing', async (text, code) => {
    const failed = await scene();
    for (const status of ['again', 'again', 'needs_attention']) {
      const error = await failed.fail(text);
      expect(error.code).toBe(code);
      expect(await failed.end(error)).toMatchObject({ status });
    }
    await expect(attempt(createBuy(failed.deps), failed.subject)).rejects.toMatchObject({ code });
    expect(failed.provider.made).toHaveLength(3);
    expect((await failed.rows()).map(({ openedBy }) => openedBy)).toEqual(['automatic', 'automatic', 'order']);
  });

  it.each([
    ['wait', { status: 'needs_attention', patienceMs: 60_000 }, 'needs_attention'],
    ['skip', { status: 'skipped' }, 'skipped'],
    ['fail', { status: 'failed' }, 'failed'],
  ])('of refused content follows the order’s onClipFailure: %s', async (onClipFailure, step, status) => {
    const refused = await scene({ onClipFailure });
    const error = await refused.fail(REFUSED);
    expect(await refused.end(error)).toMatchObject({ ...step, error: { code: 'PROVIDER_REFUSED_CONTENT' } });
    expect(await refused.clip()).toMatchObject({ status, error: { code: 'PROVIDER_REFUSED_CONTENT' } });
    expect(refused.provider.made).toHaveLength(1);
  });

  it.each(['BUDGET_EXCEEDED', 'PURCHASE_UNKNOWN'] as const)(
    'is for somebody to decide where it is %s, whatever was ordered',
    async (code) => {
      const waiting = await scene({ onClipFailure: 'fail' });
      expect(await waiting.end(refusal(code))).toMatchObject({ status: 'needs_attention', error: { code } });
      expect(await waiting.job()).toMatchObject({
        status: 'needs_attention',
        error: { code, message: 'clip 1: a reason' },
      });
    },
  );

  it('says nothing about a clip that is cancelled or whose job is to end', async () => {
    const cancelled = await scene();
    await rig.database.knex('jobs').where({ id: cancelled.subject.jobId }).update({ cancel_requested_at: new Date() });
    expect(await cancelled.end(refusal('PROVIDER_REFUSED_CONTENT'))).toEqual({ status: 'cancelled' });
    await expect(attempt(createBuy(cancelled.deps), cancelled.subject)).rejects.toMatchObject({
      code: 'PREDICTION_CANCELED',
    });
    expect(cancelled.provider.made).toHaveLength(0);
  });
});

describe('a decision', () => {
  async function waiting(order: Record<string, unknown> = {}): Promise<Scene> {
    const refused = await scene(order);
    await refused.end(await refused.fail(REFUSED));
    return refused;
  }

  it('to retry opens one attempt, of the changed clip, and the job goes on', async () => {
    const decided = await waiting();
    expect(await decided.decide({ decision: 'retry', prompt: 'something else', model: 'veo-3' })).toEqual({
      status: 'again',
    });
    expect(await decided.job()).toMatchObject({ status: 'generating', error: null });
    expect(await decided.clip()).toMatchObject({ status: 'pending', error: null, model: 'veo-3' });
    await attempt(createBuy(decided.deps), decided.subject);
    expect(decided.provider.made.map(({ input }) => input['prompt'])).toEqual(['clip 1', 'something else']);
    expect(await decided.rows()).toMatchObject([
      { attempt: 2, openedBy: 'decision', state: 'known', model: 'google/veo-3', estimateUsd: 0.8 },
      { attempt: 1, openedBy: 'order', state: 'failed' },
    ]);
  });

  it('lets the rules open two more by themselves again', async () => {
    const decided = await scene();
    for (let failure = 0; failure < 3; failure += 1) await decided.end(await decided.fail('E1000'));
    await decided.decide({ decision: 'retry' });
    expect(await decided.end(await decided.fail('E1000'))).toEqual({ status: 'again' });
  });

  it('to skip or to fail ends the clip', async () => {
    const skipped = await waiting();
    expect(await skipped.decide({ decision: 'skip' })).toMatchObject({ status: 'skipped' });
    expect((await skipped.clip()).status).toBe('skipped');
    const failed = await waiting();
    expect(await failed.decide({ decision: 'fail' })).toMatchObject({ status: 'failed' });
    expect((await failed.clip()).status).toBe('failed');
  });

  it('is carried out once when two come at the same time', async () => {
    const decided = await waiting();
    const results = await Promise.allSettled([
      decided.decide({ decision: 'retry' }),
      decided.decide({ decision: 'skip' }),
    ]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'WRONG_STATE' } });
  });

  it('changes nothing where its attempt would pass the budget, and may raise it', async () => {
    const decided = await waiting({ budgetUsd: 0.5 });
    // The refused one is free; what the ledger says to have cost 0.2 is not.
    await rig.database.knex('predictions').where({ job_id: decided.subject.jobId }).update({ cost_usd: 0.2 });
    await expect(decided.decide({ decision: 'retry', prompt: 'other' })).rejects.toMatchObject({
      code: 'BUDGET_EXCEEDED',
    });
    expect(await decided.clip()).toMatchObject({ status: 'needs_attention', prompt: 'clip 1' });
    expect(await decided.rows()).toHaveLength(1);
    await decided.decide({ decision: 'retry', budgetUsd: 0.6 });
    expect((await decided.job()).budgetUsd).toBe(0.6);
  });

  it('to retry gives up a purchase of which nobody knows whether it was made', async () => {
    const unknown = await unknownPurchase();
    await unknown.end(refusal('PURCHASE_UNKNOWN'));
    await unknown.decide({ decision: 'retry' });
    await attempt(createBuy(unknown.deps), unknown.subject);
    expect(await unknown.rows()).toMatchObject([
      { attempt: 2, state: 'known', openedBy: 'decision' },
      { attempt: 1, state: 'failed', costUsd: 0, error: { code: 'PURCHASE_UNKNOWN' } },
    ]);
  });

  it('is carried out once, however often its activity runs', async () => {
    for (const decision of ['retry', 'skip', 'fail'] as const) {
      const decided = await waiting();
      const activityId = randomUUID();
      const first = await decided.decide({ decision }, activityId);
      // The worker died before Temporal was told.
      expect(await decided.decide({ decision }, activityId)).toEqual(first);
      await expect(decided.decide({ decision })).rejects.toMatchObject({ code: 'WRONG_STATE' });
      expect(await decided.rows()).toHaveLength(decision === 'retry' ? 2 : 1);
    }
  });

  it('is not waited for where the job is cancelled: a purchase of which nobody knows is given up then', async () => {
    const unknown = await unknownPurchase();
    const { jobId } = unknown.subject;
    await rig.database.knex('jobs').where({ id: jobId }).update({ cancel_requested_at: new Date() });
    expect(await unknown.end(refusal('PURCHASE_UNKNOWN'))).toMatchObject({ status: 'cancelled' });
    expect(await unknown.rows()).toMatchObject([{ attempt: 1, state: 'failed', costUsd: 0 }]);
  });

  it('to skip gives such a purchase up as well, so that it holds no money and no place', async () => {
    const unknown = await unknownPurchase();
    await unknown.end(refusal('PURCHASE_UNKNOWN'));
    await unknown.decide({ decision: 'skip' });
    expect(await unknown.rows()).toMatchObject([{ attempt: 1, state: 'failed', costUsd: 0 }]);
  });

  it.each<[string, Partial<ClipDecision>, ErrorCode]>([
    ['an asset that there is not', { firstImage: { assetId: randomUUID() } }, 'ASSET_NOT_FOUND'],
    ['an asset id that is none', { firstImage: { assetId: 'x' } }, 'ASSET_NOT_FOUND'],
    ['an address of this machine', { firstImage: { url: 'http://127.0.0.1/a.png' } }, 'URL_REFUSED'],
    ['a model that does not make this length', { model: 'hailuo-02' }, 'VALIDATION_FAILED'],
  ])('with %s is refused, and the clip waits on', async (_, changes, code) => {
    const decided = await waiting();
    await expect(decided.decide({ decision: 'retry', ...changes })).rejects.toMatchObject({ code });
    expect((await decided.clip()).status).toBe('needs_attention');
    expect(await decided.rows()).toHaveLength(1);
  });
});
