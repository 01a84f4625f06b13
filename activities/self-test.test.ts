import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mayRunSelfTest } from '../config/self-test.js';
import { createFakeProvider } from '../replicate/fake-provider.js';
import { findJob, type JobRecord } from '../storage/jobs-repository.js';
import { pausePurchasing } from '../storage/purchasing.js';
import { SELF_TEST_OWNER } from '../storage/self-test.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { type FakeWorkflows, fakeWorkflows } from '../test/support/fake-workflows.js';
import { placePurchase } from '../test/support/money-fixtures.js';
import { createSelfTestActivities } from './self-test.js';

const TIMES = { lookEveryMs: 10, patienceMs: 100 };

let rig: ActivityRig;
let workflows: FakeWorkflows;
let started: string[];
beforeAll(async () => {
  rig = await createActivityRig();
});
afterAll(() => rig.close());
beforeEach(() => {
  workflows = fakeWorkflows();
  started = [];
});

const activities = (selfTest: typeof TIMES | null = TIMES) =>
  createSelfTestActivities({
    ...rig.deps(createFakeProvider(), { selfTest }),
    workflows,
    startRun: async ({ jobId }) => void started.push(jobId),
  });
const place = (runId: string, selfTest: typeof TIMES | null = TIMES) =>
  attempt(activities(selfTest).placeSelfTest, undefined, { workflowExecution: { workflowId: 'self-test', runId } });
const jobOf = async (id: string): Promise<JobRecord> => (await findJob(rig.database.knex, id)) as JobRecord;

/** An order whose video and ledger are as they should be. */
async function inOrder(costUsd = 0.4): Promise<string> {
  const { knex } = rig.database;
  const { jobId } = await place(uuidv7());
  const { id } = await rig.deps(createFakeProvider()).blobs.put(Readable.from([Buffer.from('a video')]), {
    contentType: 'video/mp4',
  });
  await placePurchase(knex, { jobId, state: 'stored', costUsd });
  const change = { status: 'completed', video_blob_id: id, duration_seconds: 4.04 };
  await knex('jobs').where({ id: jobId }).update(change);
  return jobId;
}
const check = (jobId: string) => attempt(activities().checkSelfTest, { jobId });

describe('the order of the self-test', () => {
  test('is one clip of 4 s of its own owner, who has a cap, and is started', async () => {
    const { jobId, ...times } = await place(uuidv7());
    expect(times).toEqual(TIMES);
    expect(started).toEqual([jobId]);
    const job = await jobOf(jobId);
    expect(job).toMatchObject({ status: 'queued', estimatedCostUsd: 0.4, onClipFailure: 'fail' });
    const owner = await rig.database.knex('owners').where({ id: job.ownerId }).first();
    expect(owner).toMatchObject({ name: SELF_TEST_OWNER, daily_cap_usd: 2 });
  });

  test('is one for each run of the workflow, however often it is placed, and keeps a cap that somebody set', async () => {
    const runId = uuidv7();
    const ids = await Promise.all(Array.from({ length: 5 }, async () => (await place(runId)).jobId));
    expect(new Set(ids).size).toBe(1);
    await rig.database.knex('owners').where({ name: SELF_TEST_OWNER }).update({ daily_cap_usd: 7 });
    expect((await place(uuidv7())).jobId).not.toBe(ids[0]);
    const { daily_cap_usd: cap } = await rig.database.knex('owners').where({ name: SELF_TEST_OWNER }).first();
    expect(cap).toBe(7);
  });

  test('is not placed where it may cost money and nobody said so', async () => {
    await expect(place(uuidv7(), null)).rejects.toMatchObject({
      code: 'SELF_TEST_FAILED',
      message: expect.stringContaining('SELF_TEST=on'),
    });
    expect(started).toEqual([]);
  });

  test.each([
    ['auto', 'http://127.0.0.1:4000/v1', true],
    ['auto', 'http://localhost:4000/v1', true],
    ['auto', 'http://[::1]:4000/v1', true],
    ['auto', 'https://api.replicate.com/v1', false],
    ['auto', 'https://127.0.0.1.example.com/v1', false],
    ['auto', 'http://replicate.internal/v1', false],
    ['off', 'http://127.0.0.1:4000/v1', false],
    ['on', 'https://api.replicate.com/v1', true],
  ] as const)('SELF_TEST=%s at %s: may be placed is %j', (SELF_TEST, REPLICATE_BASE_URL, may) => {
    expect(mayRunSelfTest({ SELF_TEST, REPLICATE_BASE_URL })).toBe(may);
  });
});

describe('the check', () => {
  test('passes where the video is whole and cost what it should', async () => {
    const jobId = await inOrder();
    expect(await check(jobId)).toEqual({ jobId, videoBytes: 7, costUsd: 0.4 });
  });

  test('names everything that is not in order, and where to look', async () => {
    const jobId = await inOrder(0.8);
    const { videoBlobId } = await jobOf(jobId);
    const { knex } = rig.database;
    await knex('blob_chunks')
      .where({ blob_id: videoBlobId })
      .update({ data: Buffer.from('another') });
    await knex('jobs').where({ id: jobId }).update({ duration_seconds: 9 });
    await placePurchase(knex, { jobId, state: 'failed', attempt: 2, costUsd: 0 });
    expect(createHash('sha256').update('another').digest('hex')).not.toBe((await jobOf(jobId)).videoSha256);
    const failure = (await check(jobId).catch((error: unknown) => error)) as { code: string; message: string };
    expect(failure.code).toBe('SELF_TEST_FAILED');
    for (const said of [
      'the bytes of its video are not those that were stored',
      'its video should last 4 s and lasts 9 s',
      'attempt 2 of clip:1 is failed in the ledger',
      'it should cost $0.4 and cost $0.8 by the ledger',
      `video-job-${jobId}`,
      'The self-test failed',
    ]) {
      expect(failure.message).toContain(said);
    }
  });

  test('says why the order failed', async () => {
    const jobId = await inOrder();
    const error = JSON.stringify({ code: 'PROVIDER_UNAVAILABLE', message: 'the provider is away' });
    await rig.database.knex('jobs').where({ id: jobId }).update({ status: 'failed', error });
    await expect(check(jobId)).rejects.toMatchObject({
      message: expect.stringContaining('its order is failed: PROVIDER_UNAVAILABLE, the provider is away'),
    });
  });
});

test('an order that takes too long is cancelled, and why it waits is said', async () => {
  const { knex } = rig.database;
  const { jobId } = await place(uuidv7());
  const pause = {
    code: 'PURCHASING_PAUSED',
    reason: 'the invoice is open',
    pausedBy: 'x',
    probeAfterMs: null,
  } as const;
  await pausePurchasing(knex, pause);
  try {
    await expect(attempt(activities().giveUpSelfTest, { jobId, afterMs: 90_000 })).rejects.toMatchObject({
      code: 'SELF_TEST_FAILED',
      message: expect.stringMatching(
        /its order is queued after 90 s \(purchasing is paused: PURCHASING_PAUSED, the invoice is open; clip 1 is pending\)/,
      ),
    });
  } finally {
    await knex('purchasing_paused').delete();
  }
  expect((await jobOf(jobId)).cancelRequestedAt).not.toBeNull();
  expect(workflows.cancelled).toEqual([`video-job-${jobId}`]);
});
