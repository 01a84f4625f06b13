/** R4 and R6: what a prediction at the provider is to us. */
import type { Knex } from 'knex';
import type { GenerationInput } from '../domain/contract.js';
import { isFinalStatus } from '../domain/ledger.js';
import { CLOCK_MARGIN_MS, predictionCostUsd } from '../domain/purchase.js';
import type { SeenPrediction } from '../domain/seen-prediction.js';
import { type AdoptedFrom, findGenerationOf } from './ledger.js';
import { recordKnown } from './ledger-moves.js';
import { awaitsItsPrediction, type PurchaseFacts, purchaseFacts, purchasesBearing } from './purchase-facts.js';
import { recordStray } from './strays.js';

export type Placement =
  /** The ledger has it. */
  | ({ kind: 'known' } & GenerationInput)
  /** It was the lost answer of a purchase, which has it now. */
  | ({ kind: 'adopted' } & GenerationInput)
  /** It is recorded as a stray, now or before; `purchase` is the one that it is charged to. */
  | { kind: 'stray'; isNew: boolean; purchase: PurchaseFacts | undefined; reason: string }
  /** Nothing of ours fits it. */
  | { kind: 'foreign' };

/**
 * Finds the place of a prediction, and puts it there: the lost answer of a purchase is adopted, and another one with
 * the fingerprint of a purchase is recorded as a stray. Repeated, late or out of order, the answer stays the same.
 */
export async function placePrediction(knex: Knex, seen: SeenPrediction, from: AdoptedFrom): Promise<Placement> {
  const known = await findKnown(knex, seen);
  if (known !== undefined) return known;
  const stray = await findStray(knex, seen);
  if (stray !== undefined) return stray;
  const adopter = await adoptPrediction(knex, seen, from);
  if (adopter !== undefined) return { kind: 'adopted', jobId: adopter.jobId, subject: adopter.subject };
  const [purchase] = await bearersOf(knex, seen);
  // Its purchase may have got it meanwhile; from here on, with none that waits, nobody can.
  const got = await findKnown(knex, seen);
  if (got !== undefined) return got;
  if (purchase === undefined) return { kind: 'foreign' };
  const reason = sameFingerprint(purchase);
  return { kind: 'stray', isNew: await noteStray(knex, seen, { purchase, reason }), purchase, reason };
}

/**
 * R4: gives a prediction to the purchase that it is the lost answer of: one with its model and fingerprint that was
 * posted and has none. Resolves with that purchase, or undefined where there is none.
 */
export async function adoptPrediction(
  knex: Knex,
  seen: SeenPrediction,
  from: AdoptedFrom,
): Promise<PurchaseFacts | undefined> {
  const bearers = await bearersOf(knex, seen);
  const open = bearers.find((purchase) => awaitsItsPrediction(purchase) && mayBeOf(purchase, seen));
  if (open === undefined || !(await recordKnown(knex, open.id, seen.id, from))) return undefined;
  return open;
}

/** The purchases with a prediction's model and fingerprint, the newest first. */
export async function bearersOf(knex: Knex, { model, fingerprint }: SeenPrediction): Promise<PurchaseFacts[]> {
  return fingerprint === null ? [] : await purchasesBearing(knex, model, fingerprint);
}

/** Why a prediction is a stray that bears the fingerprint of this purchase. */
export const sameFingerprint = ({ attempt, subject, jobId }: PurchaseFacts): string =>
  `it bears the fingerprint of attempt ${attempt} of ${subject} of job ${jobId}, which it is not`;

/** A prediction from before the intent is another's: equal inputs have equal fingerprints where a model takes no seed. */
const mayBeOf = (purchase: PurchaseFacts, seen: SeenPrediction): boolean =>
  seen.createdAt.getTime() >= purchase.createdAt.getTime() - CLOCK_MARGIN_MS;

async function findKnown(knex: Knex, { id }: SeenPrediction): Promise<Placement | undefined> {
  const generation = await findGenerationOf(knex, id);
  return generation === undefined ? undefined : { kind: 'known', ...generation };
}

async function findStray(knex: Knex, seen: SeenPrediction): Promise<Placement | undefined> {
  const stray: { purchaseId: string | null; reason: string } | undefined = await knex('strays')
    .where({ provider_id: seen.id })
    .first({ purchaseId: 'purchase_id', reason: 'reason' });
  if (stray === undefined) return undefined;
  const { purchaseId, reason } = stray;
  const purchase = purchaseId === null ? undefined : await purchaseFacts(knex, purchaseId);
  await noteStray(knex, seen, { purchase, reason });
  return { kind: 'stray', isNew: false, purchase, reason };
}

/** What a stray is charged to, and why it is one. */
export interface StrayNote {
  /** The purchase whose fingerprint it bears, or whose create answer named it. */
  purchase: Pick<PurchaseFacts, 'id' | 'estimateUsd' | 'input'> | undefined;
  reason: string;
}

/** Records a stray with its cost, as far as its end is known, or what became of one; says whether it is new. */
export async function noteStray(knex: Knex, seen: SeenPrediction, { purchase, reason }: StrayNote): Promise<boolean> {
  const estimateUsd = purchase?.estimateUsd ?? 0;
  const ordered = purchase?.input['duration'];
  return await recordStray(knex, {
    providerId: seen.id,
    purchaseId: purchase?.id ?? null,
    model: seen.model,
    fingerprint: seen.fingerprint,
    status: seen.status,
    estimateUsd,
    costUsd: isFinalStatus(seen.status)
      ? predictionCostUsd({
          status: seen.status,
          started: seen.started,
          estimateUsd,
          orderedSeconds: typeof ordered === 'number' ? ordered : undefined,
          metrics: seen.metrics,
        })
      : null,
    reason,
    createdAt: seen.createdAt,
  });
}
