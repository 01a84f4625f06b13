import { seenPrediction } from '../replicate/seen-prediction.js';
import type { Prediction } from '../replicate/video-provider.js';
import { readLedgerClock, recordCompared } from '../storage/ledger-clock.js';
import { bearersOf } from '../storage/place-prediction.js';
import { awaitsItsPrediction } from '../storage/purchase-facts.js';
import type { ReconcileDeps, ReconcileSettings } from './reconcile-deps.js';
import { handleStray } from './strays.js';
import { unknownPredictions } from './unknown-predictions.js';

type Deps = Pick<ReconcileDeps, 'knex' | 'provider' | 'logger'>;

/** What was left the last time is looked at again this long. */
const OVERLAP_MS = 2 * 60 * 60_000;
const REACH_MS = 24 * 60 * 60_000;

/**
 * Rule (d): when it is time, compares the provider's list since the last time with the ledger. What nobody knows is a
 * stray, unless it may still find its purchase. Resolves with how many are new, or undefined where it was not time.
 */
export async function compareLists(
  deps: Deps,
  { compareEveryMs, tooYoungMs }: Pick<ReconcileSettings, 'compareEveryMs' | 'tooYoungMs'>,
  signal: AbortSignal,
): Promise<number | undefined> {
  const clock = await readLedgerClock(deps.knex);
  const ageMs = clock?.comparedAgeMs ?? Number.POSITIVE_INFINITY;
  if (clock === undefined || ageMs < compareEveryMs) return undefined;
  const from = performance.now();
  const createdAfter = new Date(Date.now() - Math.min(ageMs + OVERLAP_MS, REACH_MS));
  let strays = 0;
  for (const prediction of await unknownPredictions(deps, createdAfter, signal)) {
    if (await mayFindItsPurchase(deps, prediction, tooYoungMs)) continue;
    const reason = 'it is in the list of the provider, and no purchase has it';
    if (await handleStray(deps, prediction, { reason }, signal)) strays += 1;
  }
  await recordCompared(deps.knex, performance.now() - from);
  return strays;
}

/** Its answer may be on its way, or lost and about to be adopted. */
async function mayFindItsPurchase({ knex }: Deps, prediction: Prediction, tooYoungMs: number): Promise<boolean> {
  if (Date.now() - prediction.createdAt.getTime() < tooYoungMs) return true;
  return (await bearersOf(knex, seenPrediction(prediction))).some(awaitsItsPrediction);
}
