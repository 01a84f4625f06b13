import { Readable } from 'node:stream';
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { JobState } from '../domain/states.js';
import { CLIP_USD, placeJob, placePurchase } from '../test/support/money-fixtures.js';
import { useDatabase } from '../test/support/use-database.js';
import { reopenForRegenerate, reopenForRetry, requestCancel } from './job-actions.js';
import { createPostgresBlobStore } from './postgres-blob-store.js';

const database = useDatabase({ poolMax: 8 });
let knex: Knex;
let ownerId: string;
beforeAll(async () => {
  ({ knex } = database);
});
beforeEach(async () => {
  ownerId = uuidv7();
  await knex('owners').insert({ id: ownerId, name: ownerId });
});

const inTrx = <T>(work: (trx: Knex) => Promise<T>): Promise<T> => knex.transaction(work);
const cancel = (jobId: string, owner = ownerId) => inTrx((trx) => requestCancel(trx, owner, jobId));
const retry = (jobId: string, budgetUsd?: number) => inTrx((trx) => reopenForRetry(trx, ownerId, jobId, { budgetUsd }));
const regenerate = (jobId: string, number: number, changes = {}) =>
  inTrx((trx) => reopenForRegenerate(trx, ownerId, jobId, number, changes));

const jobRow = (id: string) => knex('jobs').where({ id }).first();
const clipStates = (jobId: string) => knex('clips').where({ job_id: jobId }).orderBy('number').pluck('status');
const purchases = (jobId: string): Promise<Record<string, unknown>[]> =>
  knex('predictions')
    .where({ job_id: jobId })
    .orderBy(['subject', 'attempt'])
    .select('subject', 'attempt', 'state', 'opened_by', 'estimate_usd');

/** All that an action may change, as text. */
async function everything(jobId: string): Promise<string> {
  const clips = await knex('clips').where({ job_id: jobId }).orderBy('number');
  const predictions = await knex('predictions').where({ job_id: jobId }).orderBy('id');
  return JSON.stringify([await jobRow(jobId), clips, predictions]);
}

async function refused(jobId: string, action: () => Promise<unknown>, code: string): Promise<void> {
  const before = await everything(jobId);
  await expect(action()).rejects.toMatchObject({ code });
  expect(await everything(jobId)).toBe(before);
}

const REFUSED = { code: 'PROVIDER_REFUSED_CONTENT', message: 'refused' } as const;

describe('a cancel', () => {
  test.each<JobState>(['planning', 'awaiting_approval', 'generating', 'needs_attention', 'composing'])(
    'of a job that is %s is noted in its row, and repeating it changes nothing',
    async (status) => {
      const id = await placeJob(knex, { ownerId, status, clips: ['generating', 'stored'] });
      expect(await cancel(id)).toBe('requested');
      const row = await jobRow(id);
      expect(row.status).toBe(status);
      expect(row.cancel_requested_at).toBeInstanceOf(Date);
      const before = await everything(id);
      expect(await cancel(id)).toBe('unchanged');
      expect(await everything(id)).toBe(before);
    },
  );

  test('of a queued job whose run is with Temporal is noted only', async () => {
    const id = await placeJob(knex, { ownerId, clips: ['pending'] });
    expect(await cancel(id)).toBe('requested');
    expect((await jobRow(id)).status).toBe('queued');
  });

  test('of a job that never reached Temporal ends it at once, with its clips, and frees what was reserved', async () => {
    const id = await placeJob(knex, { ownerId, clips: ['pending', 'stored'], started: false });
    await placePurchase(knex, { jobId: id, state: 'failed', costUsd: 0, error: REFUSED });
    await placePurchase(knex, { jobId: id, state: 'intended', attempt: 2, openedBy: 'retry' });
    expect(await cancel(id)).toBe('cancelled');
    const row = await jobRow(id);
    expect([row.status, row.completed_at, row.cancel_requested_at]).toEqual([
      'cancelled',
      expect.any(Date),
      expect.any(Date),
    ]);
    expect(await clipStates(id)).toEqual(['cancelled', 'stored']);
    expect((await purchases(id)).map(({ state }) => state)).toEqual(['failed', 'canceled']);
    expect(await cancel(id)).toBe('unchanged');
  });

  test.each<JobState>(['completed', 'completed_with_gaps', 'failed'])('of a %s job is WRONG_STATE', async (status) => {
    const id = await placeJob(knex, { ownerId, status, clips: ['stored'] });
    await refused(id, () => cancel(id), 'WRONG_STATE');
  });

  test("of another owner's job, and of none, is NOT_FOUND", async () => {
    const id = await placeJob(knex, { ownerId, clips: ['pending'] });
    await refused(id, () => cancel(id, uuidv7()), 'NOT_FOUND');
    await expect(cancel(uuidv7())).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a retry', () => {
  test.each<JobState>(['failed', 'completed_with_gaps'])(
    'of a %s job queues it as the next run; only clips that are not stored are pending again',
    async (status) => {
      const id = await placeJob(knex, { ownerId, status, clips: ['stored', 'failed', 'skipped', 'cancelled'] });
      await knex('clips').where({ job_id: id, number: 2 }).update({ error: REFUSED, prepared_inputs: '{"a":1}' });
      await placePurchase(knex, { jobId: id, state: 'stored', costUsd: CLIP_USD });
      await placePurchase(knex, { jobId: id, subject: 'clip:2', state: 'failed', costUsd: 0, error: REFUSED });
      await retry(id);
      expect(await jobRow(id)).toMatchObject({
        status: 'queued',
        run_number: 2,
        run_started_at: null,
        error: null,
        completed_at: null,
        cancel_requested_at: null,
      });
      expect(await clipStates(id)).toEqual(['stored', 'pending', 'pending', 'pending']);
      const clip = await knex('clips').where({ job_id: id, number: 2 }).first();
      expect([clip.error, clip.completed_at, clip.prepared_inputs]).toEqual([null, null, null]);
      // The third and the fourth were never bought: their first attempt is the order's, and a worker opens it.
      expect(await purchases(id)).toEqual([
        { subject: 'clip:1', attempt: 1, state: 'stored', opened_by: 'order', estimate_usd: CLIP_USD },
        { subject: 'clip:2', attempt: 1, state: 'failed', opened_by: 'order', estimate_usd: CLIP_USD },
        { subject: 'clip:2', attempt: 2, state: 'intended', opened_by: 'retry', estimate_usd: CLIP_USD },
      ]);
    },
  );

  test('carries on a purchase that has not ended, and buys nothing beside it', async () => {
    const id = await placeJob(knex, { ownerId, status: 'failed', clips: ['failed', 'failed'] });
    await placePurchase(knex, { jobId: id, state: 'known' });
    await placePurchase(knex, { jobId: id, subject: 'clip:2', state: 'succeeded', costUsd: CLIP_USD });
    await retry(id);
    expect(await clipStates(id)).toEqual(['pending', 'pending']);
    expect((await purchases(id)).map(({ state }) => state)).toEqual(['known', 'succeeded']);
  });

  test('waits for a purchase that is still looked for, and opens nothing beside it', async () => {
    const id = await placeJob(knex, { ownerId, status: 'failed', clips: ['failed'] });
    await placePurchase(knex, { jobId: id, state: 'unknown' });
    await retry(id);
    expect(await clipStates(id)).toEqual(['pending']);
    expect((await purchases(id)).map(({ attempt, state }) => [attempt, state])).toEqual([[1, 'unknown']]);
  });

  test('gives up a purchase of which nobody can know any more, and opens another attempt', async () => {
    const id = await placeJob(knex, { ownerId, status: 'completed_with_gaps', clips: ['skipped'] });
    const error = { code: 'PURCHASE_UNKNOWN', message: 'nobody can say' } as const;
    await placePurchase(knex, { jobId: id, state: 'unknown', error });
    await retry(id);
    expect((await purchases(id)).map(({ attempt, state, opened_by }) => [attempt, state, opened_by])).toEqual([
      [1, 'failed', 'order'],
      [2, 'intended', 'retry'],
    ]);
  });

  test('of a job whose clips are all stored starts another run and opens nothing', async () => {
    const id = await placeJob(knex, { ownerId, status: 'failed', clips: ['stored'] });
    await retry(id);
    expect([(await jobRow(id)).run_number, await purchases(id)]).toEqual([2, []]);
  });

  test('that the budget does not cover changes nothing; with a budget that does it goes on', async () => {
    const id = await placeJob(knex, { ownerId, status: 'failed', clips: ['failed', 'failed'], budgetUsd: 1 });
    for (const subject of ['clip:1', 'clip:2'] as const) {
      // Cancelled after its start, and so paid.
      await placePurchase(knex, { jobId: id, subject, state: 'canceled', costUsd: 0.2, error: REFUSED });
    }
    // 0.40 is spent, and two clips are 0.80 more.
    await refused(id, () => retry(id), 'BUDGET_EXCEEDED');
    await refused(id, () => retry(id, 1.1), 'BUDGET_EXCEEDED');
    await retry(id, 1.2);
    expect((await jobRow(id)).budget_usd).toBe(1.2);
    expect(await purchases(id)).toHaveLength(4);
  });

  test.each<JobState>(['queued', 'generating', 'needs_attention', 'completed', 'cancelled'])(
    'of a %s job is WRONG_STATE',
    async (status) => {
      const id = await placeJob(knex, { ownerId, status, clips: ['stored', 'cancelled'] });
      await refused(id, () => retry(id), 'WRONG_STATE');
    },
  );

  test('that comes twice at once is done once', async () => {
    const id = await placeJob(knex, { ownerId, status: 'failed', clips: ['failed'] });
    await placePurchase(knex, { jobId: id, state: 'failed', costUsd: 0, error: REFUSED });
    const results = await Promise.allSettled([retry(id), retry(id), retry(id)]);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'WRONG_STATE' });
    }
    expect((await jobRow(id)).run_number).toBe(2);
    expect(await purchases(id)).toHaveLength(2);
  });
});

describe('a regeneration', () => {
  const finished = async (budgetUsd?: number): Promise<string> => {
    const id = await placeJob(knex, {
      ownerId,
      status: 'completed',
      clips: ['stored', 'stored'],
      ...(budgetUsd === undefined ? {} : { budgetUsd }),
    });
    for (const subject of ['clip:1', 'clip:2'] as const) {
      await placePurchase(knex, { jobId: id, subject, state: 'stored', costUsd: CLIP_USD });
    }
    const video = Readable.from([Buffer.from('a video')]);
    const blob = await createPostgresBlobStore(database.pool).put(video, { contentType: 'video/mp4' });
    await knex('clips').where({ job_id: id }).update({ blob_id: blob.id });
    await knex('jobs').where({ id }).update({ video_blob_id: blob.id });
    return id;
  };

  test('makes the one clip pending, changed as asked, with its version and the video kept until there are others', async () => {
    const id = await finished();
    const before = await knex('clips').where({ job_id: id, number: 2 }).first();
    await regenerate(id, 2, { prompt: 'the pool at night', model: 'veo-3.1' });
    const clip = await knex('clips').where({ job_id: id, number: 2 }).first();
    expect(clip).toMatchObject({
      status: 'pending',
      prompt: 'the pool at night',
      model: 'veo-3.1',
      blob_id: before.blob_id,
      error: null,
      completed_at: null,
    });
    expect(await clipStates(id)).toEqual(['stored', 'pending']);
    const row = await jobRow(id);
    expect([row.status, row.run_number, row.run_started_at]).toEqual(['queued', 2, null]);
    expect(row.video_blob_id).toBe(before.blob_id);
    // 4 s of veo-3.1 at 0.20 a second.
    expect((await purchases(id)).at(-1)).toEqual({
      subject: 'clip:2',
      attempt: 2,
      state: 'intended',
      opened_by: 'regenerate',
      estimate_usd: 0.8,
    });
  });

  test('takes an image by address in the place of an asset', async () => {
    const id = await finished();
    await regenerate(id, 1, { firstImage: { url: 'https://example.com/a.jpg' } });
    const clip = await knex('clips').where({ job_id: id, number: 1 }).first();
    expect([clip.first_asset_id, clip.first_image_url]).toEqual([null, 'https://example.com/a.jpg']);
  });

  test('is refused for what cannot be had, and changes nothing', async () => {
    const id = await finished(0.9);
    await refused(id, () => regenerate(id, 3), 'NOT_FOUND');
    await refused(
      id,
      () => regenerate(id, 1, { lastImage: { url: 'https://example.com/a.jpg' } }),
      'VALIDATION_FAILED',
    );
    await refused(id, () => regenerate(id, 1, { firstImage: { assetId: uuidv7() } }), 'ASSET_NOT_FOUND');
    // Hailuo makes clips of 6 or 10 seconds.
    await refused(id, () => regenerate(id, 1, { model: 'hailuo-02' }), 'VALIDATION_FAILED');
    // 0.80 of 0.90 is spent.
    await refused(id, () => regenerate(id, 1), 'BUDGET_EXCEEDED');
  });

  test.each<JobState>(['queued', 'generating', 'failed', 'cancelled'])('of a %s job is WRONG_STATE', async (status) => {
    const id = await placeJob(knex, { ownerId, status, clips: ['stored'] });
    await refused(id, () => regenerate(id, 1), 'WRONG_STATE');
  });

  test('of two clips at once is done for one of them', async () => {
    const id = await finished();
    const results = await Promise.allSettled([regenerate(id, 1), regenerate(id, 2)]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await purchases(id)).toHaveLength(3);
  });
});
