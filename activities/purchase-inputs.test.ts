import { Readable } from 'node:stream';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clipSubject, type GenerationInput } from '../domain/contract.js';
import { createFakeProvider } from '../replicate/fake-provider.js';
import { type ClipRecord, findClip } from '../storage/clips-repository.js';
import { purchasesOf } from '../storage/ledger.js';
import { createPostgresBlobStore } from '../storage/postgres-blob-store.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { insertPurchase } from '../test/support/ledger-rows.js';
import { createBuy } from './buy.js';
import { createProviderActivities } from './provider-activities.js';

let rig: ActivityRig;
let assetId: string;
beforeAll(async () => {
  rig = await createActivityRig();
  const { id: blobId } = await createPostgresBlobStore(rig.database.pool).put(
    Readable.from([Buffer.from('a picture')]),
    {
      contentType: 'image/png',
    },
  );
  assetId = uuidv7();
  const picture = { type: 'image', name: 'a picture', content_type: 'image/png' };
  await rig.database.knex('assets').insert({ id: assetId, owner_id: rig.ownerId, blob_id: blobId, ...picture });
});
afterAll(() => rig.close());

async function orderWithImage(): Promise<GenerationInput> {
  const jobId = await rig.order(1);
  await rig.database.knex('clips').where({ job_id: jobId }).update({ first_asset_id: assetId });
  return { jobId, subject: clipSubject(1) };
}

const clip = async ({ jobId }: GenerationInput): Promise<ClipRecord> =>
  (await findClip(rig.database.knex, jobId, 1)) as ClipRecord;

describe('the image of a clip that is bought', () => {
  it('is linked for one purchase, by the link that was prepared for it', async () => {
    const provider = createFakeProvider();
    const subject = await orderWithImage();
    await attempt(createProviderActivities(rig.deps(provider)).prepareGeneration, subject);
    const { preparedInputs } = await clip(subject);
    expect(preparedInputs?.firstImageUrl).toContain(assetId);
    await attempt(createBuy(rig.deps(provider)), subject);
    expect(provider.made.map(({ input }) => input['image'])).toEqual([preparedInputs?.firstImageUrl]);
    expect(await clip(subject)).toMatchObject({ preparedInputs: null, status: 'generating' });
  });

  it('is linked anew where the link that was prepared ends too soon', async () => {
    const provider = createFakeProvider();
    const subject = await orderWithImage();
    const prepared = { firstImageUrl: 'http://gone/', lastImageUrl: null, expiresAt: new Date(Date.now() + 60_000) };
    const links = JSON.stringify(prepared);
    await rig.database.knex('clips').where({ job_id: subject.jobId }).update({ prepared_inputs: links });
    await attempt(createBuy(rig.deps(provider)), subject);
    expect(provider.made.map(({ input }) => input['image'])).toEqual([expect.stringContaining(assetId)]);
  });

  it('is read by ourselves first where the provider could not read it, although a link is prepared', async () => {
    const provider = createFakeProvider();
    const subject = await orderWithImage();
    const unreadable = { code: 'PROVIDER_INPUT_UNREADABLE', message: 'E006' } as const;
    const { knex } = rig.database;
    await insertPurchase(knex, { jobId: subject.jobId, state: 'failed', providerId: 'p1', error: unreadable });
    await attempt(createProviderActivities(rig.deps(provider)).prepareGeneration, subject);
    // Nobody listens at the PUBLIC_URL of these tests.
    await expect(attempt(createBuy(rig.deps(provider)), subject)).rejects.toMatchObject({ code: 'IMAGE_UNREACHABLE' });
    // For a while: then somebody is asked, who can say more than that a link does not open.
    await knex('predictions')
      .where({ job_id: subject.jobId })
      .update({ settled_at: knex.raw(`now() - interval '11 minutes'`) });
    await expect(attempt(createBuy(rig.deps(provider)), subject)).rejects.toMatchObject({ code: 'IMAGE_NOT_FETCHED' });
    expect(provider.made).toEqual([]);
    expect(await purchasesOf(knex, subject.jobId, subject.subject)).toHaveLength(1);
  });
});
