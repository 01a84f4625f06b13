import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { StoreActivities, Swept } from '../domain/activity-contract.js';
import { createFakeProvider } from '../replicate/fake-provider.js';
import { listBlobReferences } from '../storage/blob-references.js';
import type { BlobStore } from '../storage/blob-store.js';
import { findEncodedClip, keepEncodedClip } from '../storage/encoded-clips.js';
import { reopenForRetry } from '../storage/job-actions.js';
import { findJob } from '../storage/jobs-repository.js';
import { keepMediaProbe } from '../storage/media-probes.js';
import { expireJob } from '../storage/remove-media.js';
import { findRendition } from '../storage/renditions-repository.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { placePurchase } from '../test/support/money-fixtures.js';
import { placeRendition } from '../test/support/rendition-rows.js';
import { placeStoredJob, putBytes } from '../test/support/stored-jobs.js';
import type { StoreSettings } from './deps.js';
import { createStoreActivities } from './sweep-store.js';

let rig: ActivityRig;
let blobs: BlobStore;
beforeAll(async () => {
  rig = await createActivityRig();
  blobs = rig.deps(createFakeProvider()).blobs;
});
afterAll(() => rig.close());
beforeEach(async () => {
  const { knex } = rig.database;
  await knex('encoded_clips').delete();
  // What another test left is nothing to expire.
  await knex('jobs').update({ media_deleted_at: knex.fn.now() });
  await knex('predictions').update({ blob_id: null });
});

const activities = (store: Partial<StoreSettings> = {}): StoreActivities =>
  createStoreActivities(
    rig.deps(createFakeProvider(), {
      store: { maxBytes: undefined, retentionDays: undefined, orphanGraceMs: 0, ...store },
    }),
  );
async function sweep(store: Partial<StoreSettings> = {}): Promise<Swept> {
  const { expireMedia, sweepRows, sweepBlobs } = activities(store);
  return {
    expired: await attempt(expireMedia as () => Promise<Swept['expired']>, undefined),
    rows: await attempt(sweepRows as () => Promise<Swept['rows']>, undefined),
    deleted: await attempt(sweepBlobs as () => Promise<Swept['deleted']>, undefined),
  };
}
const present = async (ids: readonly string[]): Promise<number> =>
  (await rig.database.knex('blobs').whereIn('id', [...ids])).length;
const job = (ownerId = rig.ownerId, extra = {}) =>
  placeStoredJob(rig.database.knex, blobs, { ownerId, endedDaysAgo: 10, ...extra });

async function campaign(retentionDays: number | null): Promise<string> {
  const { knex } = rig.database;
  const [clientId, id] = [uuidv7(), uuidv7()];
  await knex('clients').insert({ id: clientId, owner_id: rig.ownerId, name: 'Villas' });
  await knex('campaigns').insert({
    id,
    owner_id: rig.ownerId,
    client_id: clientId,
    name: 'Spring',
    goal: 'bookings',
    retention_days: retentionDays,
  });
  return id;
}

describe('retention', () => {
  test('takes every byte of a job whose time is over, and leaves its row, its states, its ledger and its costs', async () => {
    const { jobId, blobIds, exportId } = await job();
    const before = await findJob(rig.database.knex, jobId);
    const ledger = await rig.database.knex('predictions').where({ job_id: jobId }).select('id', 'state', 'cost_usd');
    const swept = await sweep({ retentionDays: 9 });
    expect(swept.expired).toEqual({ jobs: 1, combinations: 0 });
    expect(swept.deleted.blobs).toBeGreaterThanOrEqual(blobIds.length);
    expect(await present(blobIds)).toBe(0);
    const after = await findJob(rig.database.knex, jobId);
    expect(after).toMatchObject({
      status: 'completed',
      name: before?.name,
      actualCostUsd: before?.actualCostUsd,
      videoSha256: null,
      posterSha256: null,
      thumbnailSha256: null,
      mediaDeletedAt: expect.any(Date),
    });
    expect(await rig.database.knex('predictions').where({ job_id: jobId }).select('id', 'state', 'cost_usd')).toEqual(
      ledger,
    );
    expect(await findRendition(rig.database.knex, exportId)).toMatchObject({
      status: 'completed',
      sha256: null,
      mediaDeletedAt: expect.any(Date),
      sources: [{ jobId, blobId: null }],
    });
  });

  test('does nothing without days, before they are over, or twice', async () => {
    const { blobIds } = await job();
    expect((await sweep()).expired.jobs).toBe(0);
    expect((await sweep({ retentionDays: 11 })).expired.jobs).toBe(0);
    expect(await present(blobIds)).toBe(blobIds.length);
    expect((await sweep({ retentionDays: 9 })).expired.jobs).toBe(1);
    expect((await sweep({ retentionDays: 9 })).expired.jobs).toBe(0);
  });

  test.each([
    [5, undefined, 1],
    [20, 5, 0],
    [null, 5, 1],
    [null, undefined, 0],
  ])('goes by the %s days of the campaign, else by the %s of the deployment', async (own, deployment, expired) => {
    await job(rig.ownerId, { campaignId: await campaign(own) });
    expect((await sweep({ retentionDays: deployment })).expired.jobs).toBe(expired);
  });

  test('never touches a job that is open or waits, whose purchases are not settled, or of which something is being made', async () => {
    const { knex } = rig.database;
    const kept = [
      await job(rig.ownerId, { status: 'needs_attention' }),
      await job(rig.ownerId, { status: 'generating' }),
      await job(rig.ownerId, { status: 'cancelled' }),
      await job(rig.ownerId, { status: 'failed' }),
      await job(),
      await job(),
    ] as const;
    const [, , cancelled, failed, exported, combined] = kept;
    await placePurchase(knex, { jobId: cancelled.jobId, state: 'known', attempt: 3 });
    await placePurchase(knex, { jobId: failed.jobId, state: 'succeeded', attempt: 3 });
    await placeRendition(knex, {
      ownerId: rig.ownerId,
      sources: [{ jobId: exported.jobId, blobId: exported.videoBlobId }],
    });
    const combination = await placeRendition(knex, {
      ownerId: rig.ownerId,
      kind: 'combination',
      sources: [{ jobId: combined.jobId, blobId: combined.videoBlobId }],
    });
    expect((await sweep({ retentionDays: 1 })).expired.jobs).toBe(0);
    for (const { blobIds } of kept) expect(await present(blobIds)).toBe(blobIds.length);
    await knex('renditions').where({ id: combination }).update({ status: 'completed', completed_at: knex.fn.now() });
    expect((await sweep({ retentionDays: 1 })).expired.jobs).toBe(1);
    expect(await present(combined.blobIds)).toBe(0);
  });

  test('comes again for what was paid for and stored after the media of its job had gone', async () => {
    const { knex } = rig.database;
    const { jobId } = await job();
    await sweep({ retentionDays: 9 });
    const late = await putBytes(blobs);
    const id = await placePurchase(knex, { jobId, state: 'stored', attempt: 3, costUsd: 0.4 });
    await knex('predictions').where({ id }).update({ blob_id: late });
    await sweep({ retentionDays: 9 });
    expect(await present([late])).toBe(0);
  });

  test('takes combinations that were completed long enough ago', async () => {
    const { knex } = rig.database;
    const { jobId, videoBlobId } = await job();
    const id = await placeRendition(knex, {
      ownerId: rig.ownerId,
      kind: 'combination',
      sources: [{ jobId, blobId: videoBlobId }],
    });
    const made = await putBytes(blobs);
    await knex('renditions')
      .where({ id })
      .update({ status: 'completed', blob_id: made, completed_at: knex.raw(`now() - interval '3 days'`) });
    expect((await sweep({ retentionDays: 20 })).expired.combinations).toBe(0);
    expect((await sweep({ retentionDays: 2 })).expired.combinations).toBe(1);
    expect(await present([made])).toBe(0);
    expect(await findRendition(knex, id)).toMatchObject({ status: 'completed', mediaDeletedAt: expect.any(Date) });
  });

  test('leaves a run that was reset in the Web UI nothing to do', async () => {
    const { jobId } = await job();
    await sweep({ retentionDays: 9 });
    const { createLightActivities } = await import('./index.js');
    const deps = rig.deps(createFakeProvider());
    const { planJob } = createLightActivities({
      ...deps,
      workflows: {
        describe: async () => 'running',
        cancel: async () => undefined,
        startSettlement: async () => undefined,
      },
      histories: { async *boughtSince() {} },
    });
    await expect(attempt(planJob, { jobId, runNumber: 1 })).rejects.toMatchObject({
      code: 'WRONG_STATE',
      message: expect.stringContaining('its media deleted'),
    });
  });
});

describe('the sweep', () => {
  test('deletes orphans that are old enough and tells how many and how much', async () => {
    await sweep();
    const [old, fresh] = [await putBytes(blobs, 5_000), await putBytes(blobs, 5_000)];
    await rig.database
      .knex('blobs')
      .where({ id: old })
      .update({ last_put_at: new Date(0) });
    expect((await sweep({ orphanGraceMs: 60_000 })).deleted).toEqual({ blobs: 1, bytes: 5_000 });
    expect([await present([old]), await present([fresh])]).toEqual([0, 1]);
  });

  test('goes on where an attempt was broken off, with its counts', async () => {
    await sweep();
    const ids = (await Promise.all([putBytes(blobs), putBytes(blobs), putBytes(blobs)])).sort();
    const heartbeatDetails = { afterId: ids[0], blobs: 7, bytes: 700 };
    const swept = await attempt(activities().sweepBlobs as () => Promise<unknown>, undefined, { heartbeatDetails });
    expect(swept).toEqual({ blobs: 9, bytes: 2_700 });
    expect(await present(ids)).toBe(1);
  });

  test('deletes nothing that any table refers to', async () => {
    await job();
    await sweep();
    const before = (await rig.database.knex('blobs')).length;
    expect(before).toBeGreaterThan(0);
    expect((await sweep()).deleted.blobs).toBe(0);
    expect((await listBlobReferences(rig.database.knex)).length).toBeGreaterThan(10);
  });

  test('lets go of encoded clips that nobody used for long, or that were made of what is gone', async () => {
    const { knex } = rig.database;
    const source = await putBytes(blobs);
    const { sha256 }: { sha256: string } = await knex('blobs').where({ id: source }).first('sha256');
    const keep = async (name: string, hashes: string[]): Promise<string> => {
      const blobId = await putBytes(blobs);
      await keepEncodedClip(knex, { sourceSha256: name, recipeSha256: 'r' }, { blobId, sourceHashes: hashes });
      return blobId;
    };
    const used = await keep('used', [sha256]);
    const gone = await keep('gone', [sha256, 'f'.repeat(64)]);
    const old = await keep('old', [sha256]);
    await knex('encoded_clips')
      .whereIn('source_sha256', ['old', 'used'])
      .update({ last_used_at: new Date(0) });
    expect(await findEncodedClip(knex, { sourceSha256: 'used', recipeSha256: 'r' })).toBe(used);
    // Held by an asset here, as a job's clip holds it elsewhere.
    await knex('assets').insert({
      id: uuidv7(),
      owner_id: rig.ownerId,
      blob_id: source,
      type: 'video',
      name: 'x',
      content_type: 'video/mp4',
    });
    expect((await sweep()).rows.encodedClips).toBe(2);
    expect([await present([used]), await present([gone]), await present([old])]).toEqual([1, 0, 0]);
  });

  test('lets go of probes whose bytes are gone, of answers that are past their time, and of webhooks of a month ago', async () => {
    const { knex } = rig.database;
    const source = await putBytes(blobs);
    const { sha256 }: { sha256: string } = await knex('blobs').where({ id: source }).first('sha256');
    await knex('assets').insert({
      id: uuidv7(),
      owner_id: rig.ownerId,
      blob_id: source,
      type: 'video',
      name: 'x',
      content_type: 'video/mp4',
    });
    await sweep();
    await keepMediaProbe(knex, { sha256, version: 1 }, {});
    await keepMediaProbe(knex, { sha256: 'e'.repeat(64), version: 1 }, {});
    const answer = { owner_id: rig.ownerId, route: 'POST /x', body_sha256: 'x', answer: '{}' };
    const { rows } = await knex.raw<{ rows: { at: Date }[] }>(`SELECT now() - interval '25 hours' AS at`);
    await knex('idempotency_keys').insert([
      { ...answer, key: 'old', created_at: rows[0]?.at },
      { ...answer, key: 'new' },
    ]);
    const webhook = { webhook_id: 'old', prediction_id: 'nobody', body: '{}' };
    await knex('webhook_inbox').insert({ ...webhook, received_at: knex.raw(`now() - interval '31 days'`) });
    expect((await sweep()).rows).toEqual({ encodedClips: 0, mediaProbes: 1, answers: 1, webhooks: 1 });
    expect(await knex('idempotency_keys').pluck('key')).toEqual(['new']);
  });
});

test('a job that is being retried does not expire, and one that has expired is not retried', async () => {
  const { knex } = rig.database;
  const { jobId, blobIds } = await job(rig.ownerId, { status: 'completed_with_gaps' });
  const retrying = await knex.transaction();
  await reopenForRetry(retrying, rig.ownerId, jobId, {});
  const expiring = expireJob(knex, jobId);
  await retrying.commit();
  expect(await expiring).toBe(false);
  await sweep();
  expect(await present(blobIds)).toBe(blobIds.length);
  await knex('jobs').where({ id: jobId }).update({ status: 'failed' });
  expect(await expireJob(knex, jobId)).toBe(true);
  const late = knex.transaction((trx) => reopenForRetry(trx, rig.ownerId, jobId, {}));
  await expect(late).rejects.toMatchObject({ code: 'WRONG_STATE' });
});
