import type { Knex } from 'knex';
import type { FailureInfo, Subject } from '../domain/contract.js';
import { type FinalProviderStatus, type PredictionState, statesBefore } from '../domain/ledger.js';
import { POST_WINDOW_MS } from '../domain/purchase.js';

/** One purchase as the ledger keeps it. Money is US dollars. */
export interface LedgerRow {
  id: string;
  jobId: string;
  subject: Subject;
  attempt: number;
  /** The provider's name of the model, `owner/name`. */
  model: string;
  fingerprint: string;
  input: Record<string, unknown>;
  state: PredictionState;
  postBy: Date;
  providerId: string | null;
  estimateUsd: number;
  costUsd: number | null;
  /** Links of the outputs, once succeeded. */
  output: string[] | null;
  error: FailureInfo | null;
  absentSince: Date | null;
  createdAt: Date;
}

const COLUMNS = {
  id: 'id',
  jobId: 'job_id',
  subject: 'subject',
  attempt: 'attempt',
  model: 'model',
  fingerprint: 'fingerprint',
  input: 'input',
  state: 'state',
  postBy: 'post_by',
  providerId: 'provider_id',
  estimateUsd: 'estimate_usd',
  costUsd: 'cost_usd',
  output: 'output',
  error: 'error',
  absentSince: 'absent_since',
  createdAt: 'created_at',
} as const;

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
  lease: string;
}

const postBy = (knex: Knex): Knex.Raw => knex.raw(`now() + ? * interval '1 millisecond'`, [POST_WINDOW_MS]);

/** The latest purchase of a subject, or undefined before the first. */
export async function latestPurchase(knex: Knex, jobId: string, subject: Subject): Promise<LedgerRow | undefined> {
  return await knex('predictions').select(COLUMNS).where({ job_id: jobId, subject }).orderBy('attempt', 'desc').first();
}

export async function findPurchase(knex: Knex, providerId: string): Promise<LedgerRow | undefined> {
  return await knex('predictions').select(COLUMNS).where({ provider_id: providerId }).first();
}

/** Which generation a prediction of the provider belongs to; undefined for one that the ledger does not know. */
export async function findGenerationOf(
  knex: Knex,
  providerId: string,
): Promise<{ jobId: string; subject: Subject } | undefined> {
  const row = await findPurchase(knex, providerId);
  return row === undefined ? undefined : { jobId: row.jobId, subject: row.subject };
}

/** Of these ids of the provider, those that the ledger knows. */
export async function knownProviderIds(knex: Knex, providerIds: readonly string[]): Promise<Set<string>> {
  const rows = await knex('predictions')
    .select('provider_id')
    .whereIn('provider_id', [...providerIds]);
  return new Set(rows.map((row: { provider_id: string }) => row.provider_id));
}

/** R1: writes the intent. The caller holds the lock on the job's row and has checked what came before. */
export async function insertIntent(trx: Knex, intent: NewIntent): Promise<void> {
  await trx('predictions').insert({
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
  });
}

/** Takes an intent over from whoever held it, tells it anew and opens its window; its former holder can no longer post. */
export async function takeOverIntent(
  trx: Knex,
  id: string,
  intent: Pick<NewIntent, 'lease' | 'model' | 'fingerprint' | 'seed' | 'input' | 'estimateUsd'>,
): Promise<void> {
  await trx('predictions')
    .where({ id, state: 'intended' satisfies PredictionState })
    .update({
      lease: intent.lease,
      model: intent.model,
      fingerprint: intent.fingerprint,
      seed: intent.seed,
      input: JSON.stringify(intent.input),
      estimate_usd: intent.estimateUsd,
      post_by: postBy(trx),
    });
}

/**
 * R2: the right to post, given at most once per row. Resolves with the milliseconds until `post_by` by the database's
 * clock, or undefined: then nothing may be posted.
 */
export async function grantPost(knex: Knex, id: string, lease: string): Promise<number | undefined> {
  const rows = await knex('predictions')
    .where({ id, lease, state: 'intended' satisfies PredictionState })
    .whereRaw('now() < post_by')
    .update({ state: 'posting' satisfies PredictionState, posted_at: knex.fn.now() })
    .returning<{ left: number }[]>(
      knex.raw(`(extract(epoch FROM post_by - now()) * 1000)::double precision AS "left"`) as never,
    );
  return rows[0]?.left;
}

/** R3: the provider's id. False where the row already has another id: then that prediction is nobody's. */
export async function recordKnown(knex: Knex, id: string, providerId: string): Promise<boolean> {
  const changed = await knex('predictions')
    .where({ id })
    .whereNull('provider_id')
    .whereIn('state', statesBefore('known'))
    .update({ state: 'known' satisfies PredictionState, provider_id: providerId, known_at: knex.fn.now() });
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

/** Whether this purchase's `absent_since`, or else its `post_by`, lies at least `ms` back by the database's clock. */
export async function isLongAgo(
  knex: Knex,
  id: string,
  column: 'post_by' | 'absent_since',
  ms: number,
): Promise<boolean> {
  const row = await knex('predictions')
    .where({ id })
    .whereRaw(`?? <= now() - ? * interval '1 millisecond'`, [column, ms])
    .first('id');
  return row !== undefined;
}

export interface Settlement {
  status: FinalProviderStatus;
  costUsd: number;
  output: string[];
  metrics: Record<string, number>;
  error: FailureInfo | null;
}

/** How a known prediction ended. The first settlement stands; repeating it changes nothing. */
export async function settlePurchase(knex: Knex, providerId: string, settlement: Settlement): Promise<void> {
  await knex('predictions')
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

/** What was paid is stored: the end of a successful purchase. */
export async function markPurchaseStored(trx: Knex, providerId: string): Promise<void> {
  await trx('predictions')
    .where({ provider_id: providerId })
    .whereIn('state', statesBefore('stored'))
    .update({ state: 'stored' satisfies PredictionState, stored_at: trx.fn.now() });
}

/** Ends an intent that was never posted; false where somebody has the right to post it by now. */
export async function withdrawIntent(knex: Knex, id: string): Promise<boolean> {
  const changed = await knex('predictions')
    .where({ id, state: 'intended' satisfies PredictionState })
    .update({ state: 'canceled' satisfies PredictionState, cost_usd: 0, settled_at: knex.fn.now() });
  return changed === 1;
}
