import { CLOCK_MARGIN_MS } from '../domain/purchase.js';
import { seenPrediction } from '../replicate/seen-prediction.js';
import type { Prediction } from '../replicate/video-provider.js';
import { findJobRow } from '../storage/jobs-repository.js';
import { adoptPrediction } from '../storage/place-prediction.js';
import { repairPurchase } from '../storage/repair-purchase.js';
import type { RememberedPurchase } from './purchase-histories.js';
import type { ReconcileDeps } from './reconcile-deps.js';
import { handleStray } from './strays.js';
import { unknownPredictions } from './unknown-predictions.js';

type Deps = Pick<ReconcileDeps, 'knex' | 'provider' | 'histories' | 'logger'>;

/** What became of a prediction that the ledger did not know. */
export interface Finding {
  prediction: Prediction;
  /**
   * `adopted`: the lost answer of a purchase. `repaired`: a history named its purchase, which has its row again.
   * `forgotten`: the same, before a repair. `stray`: recorded, and cancelled where it is ours; only told, before a repair, where a history has it.
   */
  what: 'adopted' | 'repaired' | 'forgotten' | 'stray';
  jobId: string | null;
  subject: string | null;
  attempt: number | null;
}

export interface MatchOptions {
  /** Up to here the ledger knew all purchases. */
  since: Date;
  /** Whether purchases that only a history remembers get their rows again, or are cancelled where their job is forgotten too. */
  repair: boolean;
}

/**
 * Matches the provider's list, the histories and the ledger after the ledger may have lost rows. Without findings there
 * is nothing that the ledger does not know. Throws where the list or the histories cannot be read whole; then whatever
 * was found is found again.
 */
export async function matchLedger(deps: Deps, options: MatchOptions, signal: AbortSignal): Promise<Finding[]> {
  const createdAfter = new Date(options.since.getTime() - CLOCK_MARGIN_MS);
  const unknown = await unknownPredictions(deps, createdAfter, signal);
  const remembered = await remember(deps, unknown, createdAfter);
  const findings: Finding[] = [];
  for (const prediction of unknown) {
    findings.push({ prediction, ...(await match(deps, prediction, remembered.get(prediction.id), options, signal)) });
  }
  return findings;
}

/** Reads histories until each of these predictions is found in one, or there are no more. */
async function remember(
  { histories }: Deps,
  unknown: readonly Prediction[],
  since: Date,
): Promise<Map<string, RememberedPurchase>> {
  const wanted = new Set(unknown.map(({ id }) => id));
  const remembered = new Map<string, RememberedPurchase>();
  if (wanted.size === 0) return remembered;
  for await (const purchase of histories.boughtSince(since)) {
    if (!wanted.delete(purchase.predictionId)) continue;
    remembered.set(purchase.predictionId, purchase);
    if (wanted.size === 0) break;
  }
  return remembered;
}

async function match(
  deps: Deps,
  prediction: Prediction,
  remembered: RememberedPurchase | undefined,
  { repair }: MatchOptions,
  signal: AbortSignal,
): Promise<Omit<Finding, 'prediction'>> {
  const seen = seenPrediction(prediction);
  const adopter = await adoptPrediction(deps.knex, seen, 'list');
  if (adopter !== undefined) {
    const { jobId, subject, attempt } = adopter;
    return { what: 'adopted', jobId, subject, attempt };
  }
  if (remembered !== undefined) {
    const { jobId, subject } = remembered;
    const forgotten = { ...remembered, seen, input: prediction.input };
    const attempt = repair ? await repairPurchase(deps.knex, forgotten) : undefined;
    if (attempt !== undefined) {
      deps.logger.warn({ jobId, subject, attempt, predictionId: seen.id }, 'repaired a purchase from its history');
      return { what: 'repaired', jobId, subject, attempt };
    }
    if (!repair) {
      const what = (await findJobRow(deps.knex, jobId)) === undefined ? 'stray' : 'forgotten';
      // Told and left alone: this database may be the wrong one, and a cancel cannot be taken back.
      return { what, jobId, subject, attempt: remembered.attempt };
    }
  }
  const reason =
    remembered === undefined
      ? 'it was made while the ledger was behind, and neither a purchase nor a history has it'
      : `it was bought for ${remembered.subject} of job ${remembered.jobId}, which the ledger has forgotten`;
  await handleStray(deps, prediction, { isOurs: remembered !== undefined, reason }, signal);
  const { jobId = null, subject = null, attempt = null } = remembered ?? {};
  return { what: 'stray', jobId, subject, attempt };
}
