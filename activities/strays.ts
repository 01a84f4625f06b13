import { isReelwrightError } from '../domain/errors.js';
import { isFinalStatus } from '../domain/ledger.js';
import type { SeenPrediction } from '../domain/seen-prediction.js';
import { seenPrediction } from '../replicate/seen-prediction.js';
import type { Prediction } from '../replicate/video-provider.js';
import { findPurchase } from '../storage/ledger.js';
import { bearersOf, noteStray } from '../storage/place-prediction.js';
import { type PurchaseFacts, purchaseFacts } from '../storage/purchase-facts.js';
import { listOpenStrays, recordStray, type StrayRecord } from '../storage/strays.js';
import type { ActivityDeps } from './deps.js';

/** What rules of alerts look for in the log, at level `error`. The api writes the same for strays that a webhook shows. */
export const STRAY_ALARM = 'stray prediction';

type StrayDeps = Pick<ActivityDeps, 'knex' | 'provider' | 'logger'>;

export interface StrayReason {
  /** The purchase that it is provably of: its create answer named it, or they share a fingerprint. Else it is looked for. */
  purchase?: Pick<PurchaseFacts, 'id' | 'jobId' | 'subject' | 'attempt' | 'estimateUsd' | 'input'>;
  /** Something else proves that we bought it, such as a history. */
  isOurs?: boolean;
  reason: string;
}

/**
 * R6: takes a prediction that no attempt of the ledger stands for. It is recorded with its cost and raises the alarm,
 * once; where it is provably ours (it bears the fingerprint of a purchase in the ledger, or our own create answer named
 * it) it is cancelled at once, and what that made of it is recorded. One that is not provably ours is left running:
 * others may share the account's token, and what it makes is theirs. Says whether it is new. Repeating it is harmless,
 * and so is a prediction that a purchase has.
 */
export async function handleStray(
  deps: StrayDeps,
  prediction: Prediction,
  { purchase, isOurs = false, reason }: StrayReason,
  signal?: AbortSignal,
): Promise<boolean> {
  const seen = seenPrediction(prediction);
  const of = purchase ?? (await bearersOf(deps.knex, seen))[0];
  // Its purchase may have got it since the caller looked; asked after the bearers, so that it is among one or the other.
  if ((await findPurchase(deps.knex, seen.id)) !== undefined) return false;
  const ours = isOurs || of !== undefined;
  const cancel = async (): Promise<SeenPrediction> => {
    const cancelled = await deps.provider.cancel(prediction.id, { ...(signal && { signal }) });
    return { ...seenPrediction(cancelled), fingerprint: seen.fingerprint };
  };
  const isRunning = !isFinalStatus(prediction.status);
  // Once it is recorded, its purchase is all that says that it is ours: without one the cancel has to come first.
  const first = ours && of === undefined && isRunning ? await cancel() : seen;
  const isNew = await noteStray(deps.knex, first, { purchase: of, reason });
  if (isNew) {
    const generation = of === undefined ? {} : { jobId: of.jobId, subject: of.subject, attempt: of.attempt };
    const { id: predictionId, model, status, createdAt } = prediction;
    deps.logger.error({ predictionId, model, status, createdAt, ...generation, ours, reason }, STRAY_ALARM);
  }
  if (of !== undefined && isRunning) await noteStray(deps.knex, await cancel(), { purchase: of, reason });
  return isNew;
}

/**
 * Looks again at the strays whose end is not known, at most `limit` of them: those of ours are cancelled, as long as
 * they run, and what has ended is recorded with its cost. One that fails is told in the log and does not keep the
 * others waiting; the next run looks again. Resolves with how many have ended.
 */
export async function settleOpenStrays(deps: StrayDeps, limit: number, signal: AbortSignal): Promise<number> {
  let settled = 0;
  for (const stray of await listOpenStrays(deps.knex, limit)) {
    try {
      if (await settleStray(deps, stray, signal)) settled += 1;
    } catch (error) {
      signal.throwIfAborted();
      deps.logger.warn({ err: error, predictionId: stray.providerId }, 'a stray could not be settled and stays open');
    }
  }
  return settled;
}

async function settleStray(deps: StrayDeps, stray: StrayRecord, signal: AbortSignal): Promise<boolean> {
  const { knex } = deps;
  const { purchaseId, reason } = stray;
  const prediction = await askAbout(deps, stray, signal);
  if (prediction === undefined) {
    // Nobody can be asked any more: what it may have cost stands.
    await recordStray(knex, { ...stray, status: 'canceled', costUsd: stray.estimateUsd });
    return true;
  }
  const purchase = purchaseId === null ? undefined : await purchaseFacts(knex, purchaseId);
  await noteStray(knex, { ...seenPrediction(prediction), fingerprint: stray.fingerprint }, { purchase, reason });
  return isFinalStatus(prediction.status);
}

/** Undefined where the provider has no such prediction any more. */
async function askAbout(
  { provider }: StrayDeps,
  { providerId, purchaseId }: StrayRecord,
  signal: AbortSignal,
): Promise<Prediction | undefined> {
  try {
    // A cancel leaves what has ended as it ended, and answers with it.
    return purchaseId === null
      ? await provider.get(providerId, { signal })
      : await provider.cancel(providerId, { signal });
  } catch (error) {
    if (isReelwrightError(error, 'PROVIDER_NOT_FOUND')) return undefined;
    throw error;
  }
}
