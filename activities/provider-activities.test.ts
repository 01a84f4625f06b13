import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clipSubject, type GenerationInput } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { createFakeProvider, type FakeProvider } from '../replicate/fake-provider.js';
import { findPurchase } from '../storage/ledger.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { createBuy } from './buy.js';
import { createProviderActivities } from './provider-activities.js';

/** Nobody looks at it. */
const OUTPUT = Buffer.from('an output');

let rig: ActivityRig;
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());

async function bought(provider: FakeProvider): Promise<GenerationInput & { predictionId: string }> {
  const subject = { jobId: await rig.order(1), subject: clipSubject(1) };
  return { ...subject, predictionId: (await attempt(createBuy(rig.deps(provider)), subject)).predictionId };
}

describe('pollPrediction', () => {
  const wasBought = ({ predictionId }: { predictionId: string }, ago: string): Promise<unknown> => {
    const { knex } = rig.database;
    const then = knex.raw('now() - CAST(? AS interval)', [ago]);
    return knex('predictions').where({ provider_id: predictionId }).update({ known_at: then });
  };

  it('cancels what the provider should have ended long ago', async () => {
    const provider = createFakeProvider();
    const input = await bought(provider);
    const { pollPrediction } = createProviderActivities(rig.deps(provider));
    await wasBought(input, '44 minutes');
    expect(await attempt(pollPrediction, input)).toEqual({ status: 'starting' });
    expect(await attempt(pollPrediction, input)).toEqual({ status: 'starting' });
    await wasBought(input, '46 minutes');
    expect(await attempt(pollPrediction, input)).toEqual({ status: 'starting' });
    expect(await attempt(pollPrediction, input)).toEqual({ status: 'canceled' });
    expect(await findPurchase(rig.database.knex, input.predictionId)).toMatchObject({ state: 'canceled' });
  });

  it('does not believe that what was bought lately is not there', async () => {
    const provider = createFakeProvider();
    const input = await bought(provider);
    const none = () => Promise.reject(new ReelwrightError('PROVIDER_NOT_FOUND', 'there is none with this id'));
    const { pollPrediction } = createProviderActivities(rig.deps({ ...provider, get: none }));
    await expect(attempt(pollPrediction, input)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    await wasBought(input, '89 minutes');
    await expect(attempt(pollPrediction, input)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    await wasBought(input, '91 minutes');
    await expect(attempt(pollPrediction, input)).rejects.toMatchObject({ code: 'PROVIDER_NOT_FOUND' });
  });
});

describe('cancelPurchase', () => {
  it.each(['PROVIDER_REJECTED_INPUT', 'PROVIDER_NOT_FOUND'] as const)(
    'goes by what the provider says where it refuses the cancel (%s)',
    async (code) => {
      const provider = createFakeProvider();
      const { predictionId, ...subject } = await bought(provider);
      const cancel = () => Promise.reject(new ReelwrightError(code, 'no'));
      const { cancelPurchase } = createProviderActivities(rig.deps({ ...provider, cancel }));
      await expect(attempt(cancelPurchase, subject)).rejects.toMatchObject({ code: 'PURCHASE_PENDING' });
      provider.finish(predictionId, { status: 'succeeded', output: OUTPUT });
      expect(await attempt(cancelPurchase, subject)).toEqual({ succeeded: predictionId });
    },
  );

  it('cancels at the provider and in the ledger', async () => {
    const provider = createFakeProvider();
    const { predictionId, ...subject } = await bought(provider);
    const { cancelPurchase } = createProviderActivities(rig.deps(provider));
    expect(await attempt(cancelPurchase, subject)).toEqual({ succeeded: null });
    expect(provider.made.map(({ status }) => status)).toEqual(['canceled']);
    // Canceled after its start: the provider charges for it.
    expect(await findPurchase(rig.database.knex, predictionId)).toMatchObject({ state: 'canceled', costUsd: 0.4 });
  });

  it('names a prediction that has succeeded meanwhile, so that its output is kept', async () => {
    const provider = createFakeProvider();
    const { predictionId, ...subject } = await bought(provider);
    provider.finish(predictionId, { status: 'succeeded', output: OUTPUT });
    const { cancelPurchase } = createProviderActivities(rig.deps(provider));
    expect(await attempt(cancelPurchase, subject)).toEqual({ succeeded: predictionId });
  });

  it('has nothing to do where nothing was bought', async () => {
    const subject = { jobId: await rig.order(1), subject: clipSubject(1) };
    const { cancelPurchase } = createProviderActivities(rig.deps(createFakeProvider()));
    expect(await attempt(cancelPurchase, subject)).toEqual({ succeeded: null });
  });
});
