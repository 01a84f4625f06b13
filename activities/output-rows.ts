/** What is written about a prediction's output before it is fetched, and once it is in the store. */
import { Context } from '@temporalio/activity';
import type { Knex } from 'knex';
import { ReelwrightError } from '../domain/errors.js';
import type { Prediction } from '../replicate/video-provider.js';
import { noteAttention } from '../storage/job-attention.js';
import { laterPurchases } from '../storage/ledger.js';
import { purchaseStored } from '../storage/ledger-moves.js';
import { type Along, moveSubJob, type SubJobChange } from '../storage/sub-job.js';
import { moveAndReadSubJob, type SubJobRecord } from '../storage/sub-jobs.js';
import type { AnnouncedPurchase } from '../storage/webhook-inbox.js';
import { webhookToFetchSeconds } from '../telemetry/metrics.js';
import type { ActivityDeps } from './deps.js';
import { NOT_STORED, requireSubJob } from './required-rows.js';
import { announcedEnd, askProvider, endError, settling } from './settle.js';

/** When a completion was announced that neither the inbox nor the provider shows. */
const NOT_ENDED_PAUSE_MS = 3_000;

/** An output that is about to be fetched. */
export interface Output {
  row: AnnouncedPurchase;
  /** Its cost is in `subJob`: the purchase was settled before. */
  subJob: SubJobRecord;
  predictionId: string;
  url: string;
  /** Whether the row is still waiting for this one, and not for what a later attempt gives. */
  isLatest: boolean;
}

/**
 * Settles the purchase and takes its row for storing. Throws the reason of a prediction that ended without an output,
 * PURCHASE_PENDING while it has not ended, OUTPUT_LOST where its output is gone.
 */
export async function takeOutput(deps: ActivityDeps, row: AnnouncedPurchase, predictionId: string): Promise<Output> {
  const { knex } = deps;
  const { url, settled } = await outputOf(deps, row, predictionId);
  const storing = { status: 'storing' } as const;
  const along = { unless: laterPurchases(knex, row), settled: settled?.() };
  const taken = await moveAndReadSubJob(knex, row, AT_WORK, storing, along);
  if (taken !== undefined) return { row, subJob: taken, predictionId, url, isLatest: true };
  await settled?.();
  const subJob = await requireSubJob(knex, row);
  const isLatest = row.attempt === subJob.attempt;
  if (isLatest) await knex.transaction((trx) => leaveAttention(trx, subJob, storing));
  return { row, subJob, predictionId, url, isLatest };
}

/**
 * The output's link, from the ledger, the webhook or the provider, whoever knows it first; what the webhook said is yet to
 * be `settled`.
 */
async function outputOf(
  deps: ActivityDeps,
  row: AnnouncedPurchase,
  predictionId: string,
): Promise<{ url: string; settled?: () => Knex.QueryBuilder }> {
  const { cancellationSignal: signal, info } = Context.current();
  if (row.state === 'succeeded' && row.output?.[0] !== undefined) return { url: row.output[0] };
  const first = row.webhooks.at(-1);
  // A later attempt says how long fetching failed, and not how soon it began.
  if (first !== undefined && info.attempt === 1) webhookToFetchSeconds.observe(first.secondsAgo);
  const announced = announcedEnd(row);
  if (announced === undefined) return { url: urlOf(await askProvider(deps, row, predictionId, signal)) };
  const settled = (): Knex.QueryBuilder => settling(deps, row, announced);
  const [url] = announced.status === 'succeeded' ? announced.outputUrls : [];
  if (url !== undefined) return { url, settled };
  await settled();
  return { url: urlOf(announced) };
}

/** Throws where a prediction has no output: what it ended with, or that it has not. */
function urlOf(prediction: Prediction): string {
  const { id: predictionId } = prediction;
  if (prediction.status === 'starting' || prediction.status === 'processing') {
    throw new ReelwrightError(
      'PURCHASE_PENDING',
      `expected prediction ${predictionId} to have ended, it is ${prediction.status}`,
      { retryAfterMs: NOT_ENDED_PAUSE_MS },
    );
  }
  if (prediction.status !== 'succeeded') throw endError({ ...prediction, status: prediction.status });
  const [url] = prediction.outputUrls;
  if (url !== undefined) return url;
  const message = `prediction ${predictionId} succeeded, but its output is gone at the provider`;
  throw new ReelwrightError('OUTPUT_LOST', message);
}

/**
 * Notes that the output is in the store: the end of its purchase, and of its row where that waits for this one. Where the
 * row has what a later attempt gave, this one is kept with its purchase only.
 */
export async function keepOutput(
  { knex }: Pick<ActivityDeps, 'knex'>,
  { row, subJob, predictionId, isLatest }: Output,
  { blobId, warnings }: { blobId: string; warnings: string[] },
): Promise<void> {
  const stored = { status: 'stored', blobId, error: null, warnings, completed: true } as const;
  // Somebody may have asked for another one while this one was fetched.
  const unless = laterPurchases(knex, row);
  const both = { with: purchaseStored(knex, predictionId, blobId), unless };
  if (isLatest && (await moveSubJob(knex, subJob, AT_WORK, stored, both))) return;
  await knex.transaction(async (trx) => {
    if (isLatest) await leaveAttention(trx, subJob, stored, { unless });
    await purchaseStored(trx, predictionId, blobId);
  });
}

const AT_WORK = NOT_STORED.filter((state) => state !== 'needs_attention');

/** Of a row that waited for somebody: its job may not wait any more. */
async function leaveAttention(trx: Knex, subJob: SubJobRecord, change: SubJobChange, along: Along = {}): Promise<void> {
  if (await moveSubJob(trx, subJob, ['needs_attention'], change, along)) await noteAttention(trx, subJob.jobId);
}
