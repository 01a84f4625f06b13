import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { GenerationInput } from '../domain/contract.js';
import type { PredictionState } from '../domain/ledger.js';
import type { OpenedBy } from '../domain/purchase.js';
import type { SeenPrediction } from '../domain/seen-prediction.js';
import { findJob, lockJob } from './jobs-repository.js';
import type { AdoptedFrom } from './ledger.js';
import { purchasesOf } from './ledger.js';
import { findSubJob, priceOf } from './sub-jobs.js';

/** A purchase that the ledger has forgotten, as a history tells it. */
export interface ForgottenPurchase extends GenerationInput {
  attempt: number;
  seen: SeenPrediction;
  input: Record<string, unknown>;
}

/**
 * Gives a purchase that a restored backup has forgotten its row again, in state `known`, and says under which attempt:
 * its own where the ledger still has the intent, else the next one. Undefined where its job is forgotten too.
 */
export async function repairPurchase(
  knex: Knex,
  { jobId, subject, attempt, seen, input }: ForgottenPurchase,
): Promise<number | undefined> {
  return await knex.transaction(async (trx) => {
    await lockJob(trx, jobId);
    const job = await findJob(trx, jobId);
    if (job === undefined) return undefined;
    const subJob = await findSubJob(trx, { jobId, subject });
    const purchases = await purchasesOf(trx, jobId, subject);
    const intent = purchases.find((row) => row.attempt === attempt && row.state === 'intended');
    const facts = {
      model: seen.model,
      // Whose input is gone can be recognised by its id alone.
      fingerprint: seen.fingerprint ?? `history:${seen.id}`,
      seed: typeof input['seed'] === 'number' ? input['seed'] : null,
      input: JSON.stringify(input),
      state: 'known' satisfies PredictionState,
      lease: randomUUID(),
      provider_id: seen.id,
      posted_at: seen.createdAt,
      known_at: trx.fn.now(),
      adopted_at: trx.fn.now(),
      adopted_from: 'history' satisfies AdoptedFrom,
      error: null,
      estimate_usd: subJob === undefined ? 0 : priceOf(subJob, job),
    };
    if (intent !== undefined) {
      await trx('predictions').where({ id: intent.id }).update(facts);
      return intent.attempt;
    }
    const next = (purchases[0]?.attempt ?? 0) + 1;
    await trx('predictions').insert({
      ...facts,
      id: randomUUID(),
      job_id: jobId,
      subject,
      attempt: next,
      post_by: trx.fn.now(),
      opened_by: (next === 1 ? 'order' : 'again') satisfies OpenedBy,
    });
    return next;
  });
}
