/** The moves of the ledger: each a guarded update that repeating does not harm. */
import type { Knex } from 'knex';
import type { FailureInfo, Subject } from '../domain/contract.js';
import { type FinalProviderStatus, type PredictionState, statesBefore } from '../domain/ledger.js';
import { type OpenedBy, POST_WINDOW_MS } from '../domain/purchase.js';
import { type AdoptedFrom, LEDGER_COLUMNS, type LedgerRow } from './ledger.js';

export interface NewIntent {
  id: string;
  jobId: string;
  subject: Subject;
  attempt: number;
  model: string;
  fingerprint: string;
  seed: number | null;
  input: Record<string, unknown>;
  estimateUsd: number;
  openedBy: OpenedBy;
  lease: string;
}

const postBy = (knex: Knex): Knex.Raw => knex.raw(`now() + ? * interval '1 millisecond'`, [POST_WINDOW_MS]);

/**
 * R1: writes the intent and gives its row. The caller holds the lock on the job's row and has checked what came before.
 * `beginning` is a statement that is to go on with this.
 */
export async function insertIntent(
  trx: Knex,
  intent: NewIntent,
  beginning: Knex.QueryBuilder = trx.queryBuilder(),
): Promise<LedgerRow> {
  const insert = beginning.into('predictions').insert({
    id: intent.id,
    job_id: intent.jobId,
    subject: intent.subject,
    attempt: intent.attempt,
    model: intent.model,
    fingerprint: intent.fingerprint,
    seed: intent.seed,
    input: JSON.stringify(intent.input),
    state: 'intended' satisfies PredictionState,
    lease: intent.lease,
    post_by: postBy(trx),
    estimate_usd: intent.estimateUsd,
    opened_by: intent.openedBy,
  });
  const [row] = await insert.returning<LedgerRow[]>(LEDGER_COLUMNS as never);
  return row as LedgerRow;
}

/**
 * Opens an attempt that somebody asked for and that a worker is still to make an intent of: its budget is reserved, and
 * nobody may post for it before it is taken over and told.
 */
export async function openAttempt(
  trx: Knex,
  attempt: Pick<NewIntent, 'id' | 'jobId' | 'subject' | 'attempt' | 'model' | 'estimateUsd' | 'openedBy'>,
): Promise<void> {
  await insertIntent(trx, {
    ...attempt,
    // Its own until the intent is told: no other row and no prediction can have it.
    fingerprint: `open:${attempt.id}`,
    seed: null,
    input: {},
    lease: attempt.id,
  });
  await trx('predictions').where({ id: attempt.id }).update({ post_by: trx.fn.now() });
}

/**
 * Takes an intent over from whoever held it, tells it anew and opens its window; its former holder can no longer post.
 * Undefined, and nothing done, for what is no intent any more.
 */
export async function takeOverIntent(
  trx: Knex,
  id: string,
  intent: Pick<NewIntent, 'lease' | 'model' | 'fingerprint' | 'seed' | 'input' | 'estimateUsd'>,
): Promise<LedgerRow | undefined> {
  const [row] = await trx('predictions')
    .where({ id, state: 'intended' satisfies PredictionState })
    .update({
      lease: intent.lease,
      model: intent.model,
      fingerprint: intent.fingerprint,
      seed: intent.seed,
      input: JSON.stringify(intent.input),
      estimate_usd: intent.estimateUsd,
      post_by: postBy(trx),
    })
    .returning<LedgerRow[]>(LEDGER_COLUMNS as never);
  return row;
}

/**
 * R2: the right to post, given at most once per row, and to nobody while purchasing is paused unless this purchase is
 * the one that tries it. Resolves with the milliseconds until `post_by` by the database's clock, or undefined: then
 * nothing may be posted.
 */
export async function grantPost(
  knex: Knex,
  id: string,
  lease: string,
  { whilePaused = false } = {},
): Promise<number | undefined> {
  const rows = await knex('predictions')
    .where({ id, lease, state: 'intended' satisfies PredictionState })
    .whereRaw('now() < post_by')
    .whereRaw('NOT EXISTS (SELECT FROM purchasing_paused WHERE NOT ? OR probe_at IS NULL)', [whilePaused])
    .update({ state: 'posting' satisfies PredictionState, posted_at: knex.fn.now() })
    .returning<{ left: number }[]>(
      knex.raw(`(extract(epoch FROM post_by - now()) * 1000)::double precision AS "left"`) as never,
    );
  return rows[0]?.left;
}

/**
 * R3: the provider's id. False where the row already has another id: then that prediction is nobody's. `adoptedFrom`
 * says where a purchase was found whose answer was lost.
 */
export async function recordKnown(
  knex: Knex,
  id: string,
  providerId: string,
  adoptedFrom?: AdoptedFrom,
): Promise<boolean> {
  const changed = await knex('predictions')
    .where({ id })
    .whereNull('provider_id')
    .whereIn('state', statesBefore('known'))
    .update({
      state: 'known' satisfies PredictionState,
      provider_id: providerId,
      posted_at: knex.raw('coalesce(posted_at, now())'),
      known_at: knex.fn.now(),
      // What was said while nobody knew is no failure of the purchase.
      error: null,
      ...(adoptedFrom === undefined ? {} : { adopted_at: knex.fn.now(), adopted_from: adoptedFrom }),
    });
  if (changed === 1) return true;
  const row = await knex('predictions').select('provider_id').where({ id }).first();
  return row?.provider_id === providerId;
}

/** R3: nobody can say whether it was created. */
export async function recordUnknown(knex: Knex, id: string, error: FailureInfo): Promise<void> {
  await knex('predictions')
    .where({ id })
    .whereNull('provider_id')
    .whereIn('state', statesBefore('unknown'))
    .update({ state: 'unknown' satisfies PredictionState, error: JSON.stringify(error) });
}

/** R3 and R5: it is proven that nothing was created. */
export async function recordNotCreated(knex: Knex, id: string, error: FailureInfo): Promise<void> {
  await knex('predictions')
    .where({ id })
    .whereNull('provider_id')
    .whereIn('state', ['posting', 'unknown'] satisfies PredictionState[])
    .update({
      state: 'failed' satisfies PredictionState,
      error: JSON.stringify(error),
      cost_usd: 0,
      settled_at: knex.fn.now(),
    });
}

/** R5: a complete listing showed no trace. Resolves with the time of the first such listing. */
export async function recordAbsentListing(knex: Knex, id: string): Promise<void> {
  await knex('predictions')
    .where({ id })
    .whereNull('provider_id')
    .update({ absent_since: knex.raw('coalesce(absent_since, now())') });
}

export interface Settlement {
  status: FinalProviderStatus;
  costUsd: number;
  output: string[];
  metrics: Record<string, number>;
  error: FailureInfo | null;
}

/**
 * How a known prediction ended, as a statement that is still to be run. The first settlement stands; repeating it
 * changes nothing.
 */
export function purchaseSettled(knex: Knex, providerId: string, settlement: Settlement): Knex.QueryBuilder {
  return knex('predictions')
    .where({ provider_id: providerId })
    .whereIn('state', statesBefore(settlement.status))
    .update({
      state: settlement.status,
      cost_usd: settlement.costUsd,
      output: JSON.stringify(settlement.output),
      metrics: JSON.stringify(settlement.metrics),
      error: settlement.error === null ? null : JSON.stringify(settlement.error),
      settled_at: knex.fn.now(),
    });
}

/** What was paid is stored: the end of a successful purchase, as a statement that is still to be run. */
export function purchaseStored(knex: Knex, providerId: string, blobId: string): Knex.QueryBuilder {
  return knex('predictions')
    .where({ provider_id: providerId })
    .whereIn('state', statesBefore('stored'))
    .update({ state: 'stored' satisfies PredictionState, stored_at: knex.fn.now(), blob_id: blobId, error: null });
}

/** Notes that what succeeded cannot be had any more: the link is dead and nothing is stored. */
export async function recordOutputLost(knex: Knex, providerId: string, error: FailureInfo): Promise<void> {
  await knex('predictions')
    .where({ provider_id: providerId, state: 'succeeded' satisfies PredictionState })
    .update({ error: JSON.stringify(error) });
}

/** Somebody has decided not to wait for a purchase of which nobody can say whether it was made. */
export async function giveUpUnknown(trx: Knex, id: string, error: FailureInfo): Promise<void> {
  await trx('predictions')
    .where({ id, state: 'unknown' satisfies PredictionState })
    .update({
      state: 'failed' satisfies PredictionState,
      error: JSON.stringify(error),
      cost_usd: 0,
      settled_at: trx.fn.now(),
    });
}

/** Ends an intent that was never posted; false where somebody has the right to post it by now. */
export async function withdrawIntent(knex: Knex, id: string): Promise<boolean> {
  const changed = await knex('predictions')
    .where({ id, state: 'intended' satisfies PredictionState })
    .update({ state: 'canceled' satisfies PredictionState, cost_usd: 0, settled_at: knex.fn.now() });
  return changed === 1;
}
