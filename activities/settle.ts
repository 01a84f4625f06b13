import type { Knex } from 'knex';
import type { GenerationInput } from '../domain/contract.js';
import { isReelwrightError, ReelwrightError } from '../domain/errors.js';
import { type FinalProviderStatus, isFinalStatus } from '../domain/ledger.js';
import { CANCEL_AFTER_SECONDS, predictionCostUsd } from '../domain/purchase.js';
import { errorOfPrediction } from '../replicate/classify.js';
import { isPrediction, readPrediction } from '../replicate/prediction-schema.js';
import type { Prediction } from '../replicate/video-provider.js';
import { isLongAgo, type LedgerRow, latestPurchase } from '../storage/ledger.js';
import { whyBehind } from '../storage/ledger-clock.js';
import { purchaseSettled, recordKnown } from '../storage/ledger-moves.js';
import { awaitsItsPrediction } from '../storage/purchase-facts.js';
import { type AnnouncedPurchase, findAnnouncedPurchase } from '../storage/webhook-inbox.js';
import type { ActivityDeps } from './deps.js';
import { failureOf } from './failure-of.js';

/** A person, or the reconciler's next run, puts the ledger in order. */
const BEHIND_PAUSE_MS = 10_000;

export type FinalPrediction = Prediction & { status: FinalProviderStatus };

export const isFinal = (prediction: Prediction): prediction is FinalPrediction => isFinalStatus(prediction.status);

/**
 * The ledger's row of a prediction that a workflow knows, and its webhooks. A row that was posted and has no id yet gets
 * this one: the workflow's history remembers the answer that the database has lost. Throws LEDGER_BEHIND while the ledger
 * may have forgotten it, and PROVIDER_NOT_FOUND where the prediction is not this generation's.
 */
export async function requirePurchase(
  { knex, logger }: Pick<ActivityDeps, 'knex' | 'logger'>,
  { jobId, subject }: GenerationInput,
  predictionId: string,
): Promise<AnnouncedPurchase> {
  const row = (await findAnnouncedPurchase(knex, predictionId)) ?? (await repaired());
  if (row?.jobId === jobId && row.subject === subject) return row;
  const behind = row === undefined ? await whyBehind(knex) : undefined;
  if (behind !== undefined) {
    throw new ReelwrightError('LEDGER_BEHIND', `prediction ${predictionId} is not in the ledger: ${behind}`, {
      retryAfterMs: BEHIND_PAUSE_MS,
    });
  }
  throw new ReelwrightError(
    'PROVIDER_NOT_FOUND',
    `the ledger has no prediction ${predictionId} for ${subject} of job ${jobId}`,
  );

  async function repaired(): Promise<AnnouncedPurchase | undefined> {
    const latest = await latestPurchase(knex, jobId, subject);
    if (latest === undefined || !awaitsItsPrediction(latest)) return undefined;
    if (!(await recordKnown(knex, latest.id, predictionId, 'history'))) return undefined;
    logger.warn({ jobId, subject, predictionId }, 'the ledger got the id of a purchase from its history');
    return await findAnnouncedPurchase(knex, predictionId);
  }
}

/**
 * The statement, still to be run, that writes into the ledger how a prediction ended: what it cost, what it gave, why it
 * failed. Repeating it is harmless.
 */
export const settling = (
  { knex }: Pick<ActivityDeps, 'knex'>,
  row: LedgerRow,
  prediction: FinalPrediction,
): Knex.QueryBuilder =>
  purchaseSettled(knex, prediction.id, {
    status: prediction.status,
    costUsd: costOf(row, prediction),
    output: prediction.outputUrls,
    metrics: prediction.metrics,
    error: prediction.status === 'succeeded' ? null : failureOf(endError(prediction)),
  });

/** What a prediction that has ended cost, in US dollars, where the purchase's estimate is what it was ordered for. */
export function costOf(row: Pick<LedgerRow, 'input' | 'estimateUsd'>, prediction: FinalPrediction): number {
  const ordered = row.input['duration'];
  return predictionCostUsd({
    status: prediction.status,
    started: prediction.startedAt !== null,
    estimateUsd: row.estimateUsd,
    orderedSeconds: typeof ordered === 'number' ? ordered : undefined,
    metrics: prediction.metrics,
  });
}

/** By then a prediction has ended in any case, and its output is gone: nothing is lost by giving it up. */
const FINDABLE_MS = CANCEL_AFTER_SECONDS * 1000 + 3_600_000;

/**
 * Asks the provider, and settles the purchase where the prediction has ended. That the provider does not find it is
 * believed only when it must have ended long ago: now and then it says so of what is there (replicate-javascript#68).
 */
export async function askProvider(
  deps: Pick<ActivityDeps, 'knex' | 'provider'>,
  row: LedgerRow,
  predictionId: string,
  signal: AbortSignal,
): Promise<Prediction> {
  const prediction = await deps.provider.get(predictionId, { signal }).catch(async (error: unknown) => {
    if (!isReelwrightError(error, 'PROVIDER_NOT_FOUND')) throw error;
    if (await isLongAgo(deps.knex, row.id, 'known_at', FINDABLE_MS)) throw error;
    throw new ReelwrightError('PROVIDER_UNAVAILABLE', `${error.message}, and it was bought lately`, { cause: error });
  });
  if (isFinal(prediction)) await settling(deps, row, prediction);
  return prediction;
}

/** Asks for the end of a prediction. One that is refused changes nothing: what the provider says of it next is what counts. */
export async function cancelAtProvider(
  { provider, logger }: Pick<ActivityDeps, 'provider' | 'logger'>,
  predictionId: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await provider.cancel(predictionId, { signal });
  } catch (error) {
    if (!isReelwrightError(error, 'PROVIDER_NOT_FOUND', 'PROVIDER_REJECTED_INPUT')) throw error;
    logger.warn({ predictionId, code: error.code }, 'the provider refuses to cancel a prediction');
  }
}

/**
 * A prediction that its signed webhook shows as ended, or undefined while none does. What we cannot read says nothing; the
 * provider is asked instead.
 */
export const announcedEnd = ({ webhooks }: AnnouncedPurchase): FinalPrediction | undefined =>
  webhooks
    .map(({ body }) => body)
    .filter(isPrediction)
    .map(readPrediction)
    .find(isFinal);

/** What a prediction that ended without an output stands for. */
export function endError({ id, status, error }: Pick<FinalPrediction, 'id' | 'status' | 'error'>): ReelwrightError {
  switch (status) {
    case 'canceled':
      return new ReelwrightError('PREDICTION_CANCELED', `prediction ${id} was canceled at the provider`);
    case 'aborted':
      return new ReelwrightError('PREDICTION_ABORTED', `prediction ${id} was aborted before it started`);
    case 'failed':
    case 'succeeded':
      return errorOfPrediction(id, error);
  }
}
