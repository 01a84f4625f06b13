import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MetricName, Sample } from '../telemetry/metrics-table.js';
import { insertPurchase, VEO } from '../test/support/ledger-rows.js';
import { placeJob } from '../test/support/money-fixtures.js';
import { createTestDatabase } from '../test/support/postgres.js';
import { type Database, openDatabase } from './database.js';
import { readFigures } from './figures.js';

const MINUTE_MS = 60_000;

let database: Database;
let drop: () => Promise<void>;
let ownerId: string;
beforeAll(async () => {
  const created = await createTestDatabase();
  drop = created.drop;
  database = openDatabase(created.url);
  ownerId = uuidv7();
  await database.knex('owners').insert({ id: ownerId, name: 'a test' });
});
afterAll(async () => {
  await database.close();
  await drop();
});

/** The value of a figure; undefined where there is none. */
function valueOf(
  samples: readonly Sample[],
  metric: MetricName,
  labels: Record<string, string> = {},
): number | undefined {
  const found = samples.filter(
    (one) => one.metric === metric && Object.entries(labels).every(([label, text]) => one.labels?.[label] === text),
  );
  expect(found.length, `${metric} ${JSON.stringify(labels)}`).toBeLessThanOrEqual(1);
  return found[0]?.value;
}

test('an empty database has every figure of which nothing is needed first', async () => {
  const samples = await readFigures(database.knex, 1_000);
  expect(valueOf(samples, 'reelwright_jobs', { stage: 'generating' })).toBe(0);
  expect(valueOf(samples, 'reelwright_adoptions_total', { found_in: 'webhook' })).toBe(0);
  expect(valueOf(samples, 'reelwright_purchasing_paused')).toBe(0);
  expect(valueOf(samples, 'reelwright_strays_open')).toBe(0);
  expect(valueOf(samples, 'reelwright_oldest_waiting_clip_seconds')).toBe(0);
  expect(valueOf(samples, 'reelwright_ledger_clock_age_seconds')).toBeUndefined();
  expect(valueOf(samples, 'reelwright_blob_limit_bytes')).toBe(1_000);
  expect(valueOf(await readFigures(database.knex), 'reelwright_blob_limit_bytes')).toBeUndefined();
});

test('the figures are what the rows say', async () => {
  const { knex } = database;
  const ago = (ms: number) => knex.raw(`now() - ? * interval '1 millisecond'`, [ms]);
  const jobId = await placeJob(knex, {
    ownerId,
    status: 'generating',
    clips: ['pending', 'generating', 'needs_attention', 'stored', 'failed'],
  });
  // Of a job that is over: nobody waits for it.
  const over = await placeJob(knex, { ownerId, status: 'cancelled', clips: ['pending'] });
  await knex('jobs')
    .where({ id: over })
    .update({ run_started_at: ago(90 * MINUTE_MS) });
  await knex('jobs')
    .where({ id: jobId })
    .update({ run_started_at: ago(20 * MINUTE_MS) });
  await knex('clips')
    .where({ job_id: jobId, number: 2 })
    .update({ started_at: ago(10 * MINUTE_MS) });
  await knex('predictions').del();
  const bought = async (
    number: number,
    options: Omit<Parameters<typeof insertPurchase>[1], 'jobId'>,
  ): Promise<string> => await insertPurchase(knex, { jobId, subject: `clip:${number}`, ...options });
  await bought(1, { state: 'unknown', agoMs: 7 * MINUTE_MS });
  await bought(2, { state: 'succeeded', providerId: 'p2', agoMs: 12 * MINUTE_MS });
  // Its output is lost: nobody can store it any more.
  const lost = { code: 'OUTPUT_LOST', message: 'gone' } as const;
  await bought(3, { state: 'succeeded', providerId: 'p3', agoMs: 50 * MINUTE_MS, error: lost });
  const stored = await bought(4, { state: 'stored', providerId: 'p4' });
  await knex('predictions')
    .where({ id: stored })
    .update({ cost_usd: 0.4, adopted_at: knex.fn.now(), adopted_from: 'list' });
  const failure = { code: 'PREDICTION_FAILED', message: 'failed' } as const;
  await bought(5, { state: 'failed', providerId: 'p5', error: failure });
  const stray = { model: VEO, status: 'succeeded', reason: 'a test', created_at: knex.fn.now() };
  await knex('strays').insert([
    { ...stray, provider_id: 's1', cost_usd: 0.8, settled_at: knex.fn.now() },
    { ...stray, provider_id: 's2' },
  ]);
  await knex('purchasing_paused').insert({ code: 'PURCHASING_PAUSED', reason: 'a test', paused_by: 'a test' });
  await knex('ledger_clock').insert({ at: ago(3 * MINUTE_MS) });
  const blob = { chunk_size: 1, content_type: 'video/mp4' };
  await knex('blobs').insert([
    { ...blob, id: randomUUID(), sha256: 'a'.repeat(64), size: 700 },
    { ...blob, id: randomUUID(), sha256: 'b'.repeat(64), size: 34 },
  ]);

  const samples = await readFigures(knex);
  const value = (metric: MetricName, labels?: Record<string, string>): number | undefined =>
    valueOf(samples, metric, labels);
  expect(value('reelwright_jobs', { stage: 'generating' })).toBe(1);
  expect(value('reelwright_clips', { state: 'pending' })).toBe(2);
  expect(value('reelwright_clips_waiting_for_decision')).toBe(1);
  expect(value('reelwright_purchases', { state: 'succeeded' })).toBe(2);
  expect(value('reelwright_purchase_failures_total', { code: 'PREDICTION_FAILED' })).toBe(1);
  expect(value('reelwright_spend_usd_total', { provider: 'replicate', model: VEO })).toBeCloseTo(1.2, 6);
  expect(value('reelwright_adoptions_total', { found_in: 'list' })).toBe(1);
  expect(value('reelwright_purchases_unknown')).toBe(1);
  expect(value('reelwright_strays_total')).toBe(2);
  expect(value('reelwright_strays_open')).toBe(1);
  expect(value('reelwright_purchasing_paused')).toBe(1);
  expect(value('reelwright_outputs_not_stored')).toBe(1);
  expect(value('reelwright_blobs')).toBe(2);
  expect(value('reelwright_blob_bytes')).toBe(734);
  expect(value('reelwright_database_size_bytes')).toBeGreaterThan(1_000_000);
  // In whole minutes: how long the test takes does not count.
  const minutes = (metric: MetricName): number => Math.floor((value(metric) ?? Number.NaN) / 60);
  expect(minutes('reelwright_oldest_waiting_clip_seconds')).toBe(20);
  expect(minutes('reelwright_oldest_unknown_purchase_seconds')).toBe(7);
  expect(minutes('reelwright_oldest_output_not_stored_seconds')).toBe(12);
  expect(minutes('reelwright_ledger_clock_age_seconds')).toBe(3);
});
