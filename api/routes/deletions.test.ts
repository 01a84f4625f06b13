import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLightActivities } from '../../activities/index.js';
import { createStoreActivities } from '../../activities/sweep-store.js';
import { createFakeProvider } from '../../replicate/fake-provider.js';
import { attempt } from '../../test/support/activity-rig.js';
import { type AssetRow, newCampaign, uploadImage } from '../../test/support/api-fixtures.js';
import { order } from '../../test/support/job-orders.js';
import { placePurchase, placeStray } from '../../test/support/money-fixtures.js';
import { placeRendition } from '../../test/support/rendition-rows.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import { placeStoredJob, putBytes, type StoredJob } from '../../test/support/stored-jobs.js';

let api: RunningApi;
let anna: Caller;
let ben: Caller;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
});
afterAll(() => api.stop());

const knex = (): RunningApi['database']['knex'] => api.database.knex;

/** What the schedule does, with no grace. */
async function sweep(): Promise<void> {
  const settings = { store: { maxBytes: undefined, retentionDays: undefined, orphanGraceMs: 0 } };
  const { sweepBlobs } = createStoreActivities({ knex: knex(), settings: settings as never, logger: api.deps.logger });
  await attempt(sweepBlobs as () => Promise<unknown>, undefined);
}
const stored = (options: Partial<Parameters<typeof placeStoredJob>[2]> = {}): Promise<StoredJob> =>
  placeStoredJob(knex(), api.deps.blobs, { ownerId: anna.ownerId, ...options });
const present = async (ids: readonly string[]): Promise<number> =>
  (await knex()('blobs').whereIn('id', [...ids])).length;
const withImage = (assetId: string) => ({ kind: 'clips', clips: [{ prompt: 'a pool', firstImage: { assetId } }] });

describe('a deleted asset', () => {
  test('is gone for its owner, and its bytes with the next sweep, unless another asset has the same', async () => {
    const asset = await uploadImage(anna, { red: 1 });
    const twin = await uploadImage(ben, { red: 1 });
    const deleted = await anna.delete(`/api/v3/assets/${asset.id}`);
    expect([deleted.status, deleted.data]).toEqual([200, { id: asset.id, deletedAt: expect.any(String) }]);
    for (const path of ['', '/data']) {
      expect((await anna.get(`/api/v3/assets/${asset.id}${path}`)).status).toBe(404);
    }
    expect((await fetch(new URL(asset.temporaryUrl, api.url))).status).toBe(404);
    expect((await anna.get<AssetRow[]>('/api/v3/assets')).data.map(({ id }) => id)).not.toContain(asset.id);
    expect((await anna.delete(`/api/v3/assets/${asset.id}`)).status).toBe(404);
    await sweep();
    expect((await ben.fetch(`/api/v3/assets/${twin.id}/data`)).status).toBe(200);
    await ben.delete(`/api/v3/assets/${twin.id}`);
    const { blob_id: before } = { blob_id: await api.countRows('blobs') };
    await sweep();
    expect(await api.countRows('blobs')).toBe(before - 1);
    const row = await knex()('assets').where({ id: asset.id }).first();
    expect(row).toMatchObject({ name: '', tags: [], source_url: null, blob_id: null });
  });

  test("is not another owner's to delete, nor one that is not there", async () => {
    const asset = await uploadImage(anna);
    expect((await ben.delete(`/api/v3/assets/${asset.id}`)).status).toBe(404);
    expect((await anna.get(`/api/v3/assets/${asset.id}`)).status).toBe(200);
    expect((await api.call(`/api/v3/assets/${asset.id}`, { method: 'DELETE' })).status).toBe(401);
  });

  test('cannot be one that an open job needs: 409 names the job', async () => {
    const asset = await uploadImage(anna);
    const { data: job } = await order(anna, withImage(asset.id));
    const refused = await anna.delete(`/api/v3/assets/${asset.id}`);
    expect([refused.status, refused.error?.code]).toEqual([409, 'WRONG_STATE']);
    expect(refused.error?.message).toContain(job.id);
    await knex()('jobs').where({ id: job.id }).update({ status: 'failed', completed_at: knex().fn.now() });
    expect((await anna.delete(`/api/v3/assets/${asset.id}`)).status).toBe(200);
    expect((await anna.get(`/api/v3/jobs/${job.id}`)).status).toBe(200);
    // Bought without its image it would be another clip.
    const retried = await anna.post(`/api/v3/jobs/${job.id}/actions`, { action: 'retry' });
    expect([retried.status, retried.error?.code]).toEqual([422, 'ASSET_NOT_FOUND']);
    expect((await order(anna, withImage(asset.id))).error?.code).toBe('ASSET_NOT_FOUND');
  });

  test('and an order that names it at the same time: no job is left without its image', async () => {
    for (let round = 0; round < 10; round += 1) {
      const asset = await uploadImage(anna, { red: round });
      const [deleted, ordered] = await Promise.all([
        anna.delete(`/api/v3/assets/${asset.id}`),
        order(anna, withImage(asset.id)),
      ]);
      expect([
        [200, 422],
        [409, 202],
      ]).toContainEqual([deleted.status, ordered.status]);
    }
  });
});

describe('a deleted job', () => {
  test('is gone for its owner with every byte of it; another job with the same bytes keeps them', async () => {
    const job = await stored();
    const other = await stored();
    await knex()('jobs').where({ id: other.jobId }).update({ video_blob_id: job.videoBlobId });
    const deleted = await anna.delete(`/api/v3/jobs/${job.jobId}`);
    expect([deleted.status, deleted.data['id']]).toEqual([200, job.jobId]);
    const paths = [
      `/api/v3/jobs/${job.jobId}`,
      `/api/v3/jobs/${job.jobId}/sub-jobs`,
      `/api/v3/jobs/${job.jobId}/ledger`,
      `/api/v3/jobs/${job.jobId}/cut-plan`,
      `/api/v3/videos/${job.jobId}/combined`,
      `/api/v3/videos/${job.jobId}/clips/clip_001.mp4`,
      `/api/v3/videos/${job.jobId}/poster.jpg`,
      `/api/v3/videos/${job.jobId}/exports`,
      `/api/v3/exports/${job.exportId}`,
    ];
    for (const path of paths) expect([path, (await anna.get(path)).status]).toEqual([path, 404]);
    for (const [path, body] of [
      ['actions', { action: 'retry' }],
      ['actions', { action: 'cancel' }],
      ['clips/1/regenerate', {}],
    ] as const) {
      expect((await anna.post(`/api/v3/jobs/${job.jobId}/${path}`, body)).status).toBe(404);
    }
    const { data: list, meta } = await anna.get<{ id: string }[]>('/api/v3/jobs');
    expect(list.map(({ id }) => id)).not.toContain(job.jobId);
    expect(meta.total).toBe(list.length);
    expect((await anna.delete(`/api/v3/jobs/${job.jobId}`)).status).toBe(404);
    await sweep();
    expect(await present(job.blobIds)).toBe(1);
    expect((await anna.fetch(`/api/v3/videos/${other.jobId}/combined`)).status).toBe(200);
  });

  test('leaves nothing that its owner said in words, anywhere in the database', async () => {
    const job = await stored();
    const secret = 'a-very-private-word';
    const said = JSON.stringify({ said: secret });
    await knex()('jobs')
      .where({ id: job.jobId })
      .update({
        name: secret,
        order_body: said,
        metadata: said,
        warnings: `["${secret}"]`,
        cut_plan: said,
        error: `{"code":"INTERNAL","message":"${secret}"}`,
      });
    await knex()('clips')
      .where({ job_id: job.jobId })
      .update({
        prompt: secret,
        scene_name: secret,
        first_image_url: secret,
        last_image_url: secret,
        prepared_inputs: said,
        warnings: `["${secret}"]`,
        error: `{"code":"INTERNAL","message":"${secret}"}`,
      });
    await knex()('music_pieces').where({ job_id: job.jobId }).update({ prompt: secret });
    await knex()('predictions')
      .where({ job_id: job.jobId })
      .update({
        input: JSON.stringify({
          prompt: secret,
          image: secret,
          last_frame: secret,
          first_frame_image: secret,
          last_frame_image: secret,
          input_audio: secret,
          duration: 4,
        }),
        output: JSON.stringify([secret]),
      });
    const providerIds: string[] = await knex()('predictions').where({ job_id: job.jobId }).pluck('provider_id');
    await knex()('webhook_inbox').insert({ webhook_id: 'w1', prediction_id: providerIds[0], body: said });
    await anna.delete(`/api/v3/jobs/${job.jobId}`);
    for (const table of [
      'jobs',
      'clips',
      'music_pieces',
      'predictions',
      'webhook_inbox',
      'renditions',
      'rendition_sources',
    ]) {
      expect([table, JSON.stringify(await knex()(table))]).toEqual([table, expect.not.stringContaining(secret)]);
    }
    expect(await knex()('predictions').where({ job_id: job.jobId }).pluck('input')).toEqual([
      { duration: 4 },
      { duration: 4 },
    ]);
  });

  test('stays for the accounts: its ledger, its strays, and what its campaign and its owner have spent', async () => {
    const campaign = await newCampaign(anna);
    await anna.patch(`/api/v3/campaigns/${campaign.id}`, { budgetUsd: 1 });
    const job = await stored({ campaignId: campaign.id, status: 'failed' });
    const [purchase]: string[] = await knex()('predictions').where({ job_id: job.jobId }).pluck('id');
    await placeStray(knex(), purchase as string, 0.1);
    const rows = () =>
      knex()('predictions')
        .where({ job_id: job.jobId })
        .orderBy('attempt')
        .select('id', 'state', 'cost_usd', 'provider_id');
    const before = await rows();
    const other = await stored({ campaignId: campaign.id });
    const again = () => anna.post(`/api/v3/jobs/${other.jobId}/clips/1/regenerate`, {});
    const refused = await again();
    expect(refused.error).toMatchObject({ code: 'BUDGET_EXCEEDED', details: { committedUsd: 1.7 } });
    await anna.delete(`/api/v3/jobs/${job.jobId}`);
    expect(await rows()).toEqual(before);
    expect((await again()).error).toEqual(refused.error);
  });

  test.each(['queued', 'generating', 'needs_attention', 'composing'] as const)(
    'cannot be one that is %s',
    async (status) => {
      const job = await stored({ status });
      const refused = await anna.delete(`/api/v3/jobs/${job.jobId}`);
      expect([refused.status, refused.error?.code]).toEqual([409, 'WRONG_STATE']);
      expect(await present(job.blobIds)).toBe(job.blobIds.length);
    },
  );

  test('cannot be one whose purchase is not settled, or of which an export or a combination is being made', async () => {
    const job = await stored({ status: 'cancelled' });
    const purchase = await placePurchase(knex(), { jobId: job.jobId, state: 'known', attempt: 3 });
    const unsettled = await anna.delete(`/api/v3/jobs/${job.jobId}`);
    expect([unsettled.status, unsettled.error?.message]).toEqual([409, expect.stringContaining(purchase)]);
    await knex()('predictions').where({ id: purchase }).update({ state: 'failed' });
    const id = await placeRendition(knex(), {
      ownerId: anna.ownerId,
      kind: 'combination',
      sources: [{ jobId: job.jobId, blobId: job.videoBlobId }],
    });
    const making = await anna.delete(`/api/v3/jobs/${job.jobId}`);
    expect([making.status, making.error?.message]).toEqual([409, expect.stringContaining(id)]);
    await knex()('renditions')
      .where({ id })
      .update({ status: 'completed', blob_id: await putBytes(api.deps.blobs) });
    expect((await anna.delete(`/api/v3/jobs/${job.jobId}`)).status).toBe(200);
    // What was made of it stays.
    expect((await anna.fetch(`/api/v3/combined-videos/${id}/data`)).status).toBe(200);
    expect((await anna.get(`/api/v3/combined-videos/${id}`)).data).toMatchObject({ videoIds: [job.jobId] });
  });

  test("is not another owner's to delete", async () => {
    const job = await stored();
    expect((await ben.delete(`/api/v3/jobs/${job.jobId}`)).status).toBe(404);
    expect((await anna.get(`/api/v3/jobs/${job.jobId}`)).status).toBe(200);
  });

  test('still takes what the provider tells of its predictions', async () => {
    const job = await stored();
    await anna.delete(`/api/v3/jobs/${job.jobId}`);
    const deps = { knex: knex(), settings: { parallelClips: 1, store: {} }, logger: api.deps.logger };
    const { endJob } = createLightActivities({ ...deps, provider: createFakeProvider() } as never);
    await attempt(endJob, {
      jobId: job.jobId,
      runNumber: 1,
      end: 'failed',
      error: { code: 'INTERNAL', message: 'late' },
    });
    expect(await knex()('jobs').where({ id: job.jobId }).first()).toMatchObject({ status: 'completed', error: null });
  });
});

describe('a deleted export or combined video', () => {
  test('is gone with its bytes, and its video stays', async () => {
    const job = await stored();
    const combination = await placeRendition(knex(), {
      ownerId: anna.ownerId,
      kind: 'combination',
      sources: [{ jobId: job.jobId, blobId: job.videoBlobId }],
    });
    expect((await anna.delete(`/api/v3/combined-videos/${combination}`)).error?.code).toBe('WRONG_STATE');
    const made = await putBytes(api.deps.blobs);
    await knex()('renditions').where({ id: combination }).update({ status: 'completed', blob_id: made });
    for (const path of [`/api/v3/exports/${job.exportId}`, `/api/v3/combined-videos/${combination}`]) {
      expect((await ben.delete(path)).status).toBe(404);
      expect((await anna.delete(path)).status).toBe(200);
      expect((await anna.get(path)).status).toBe(404);
      expect((await anna.delete(path)).status).toBe(404);
    }
    await sweep();
    expect(await present([made])).toBe(0);
    expect(await present(job.blobIds)).toBe(job.blobIds.length - 1);
    expect((await anna.fetch(`/api/v3/videos/${job.jobId}/combined`)).status).toBe(200);
    expect((await anna.delete(`/api/v3/exports/${combination}`)).status).toBe(404);
  });
});
