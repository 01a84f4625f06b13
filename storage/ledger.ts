/** What the ledger says; `ledger-moves.ts` changes it. */
import type { Knex } from 'knex';
import type { FailureInfo, Subject } from '../domain/contract.js';
import type { PredictionState } from '../domain/ledger.js';
import type { OpenedBy } from '../domain/purchase.js';

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
  openedBy: OpenedBy;
  /** When it was found after its answer was lost, and where. */
  adoptedAt: Date | null;
  adoptedFrom: AdoptedFrom | null;
  createdAt: Date;
  postedAt: Date | null;
  knownAt: Date | null;
  settledAt: Date | null;
  storedAt: Date | null;
}

export type AdoptedFrom = 'list' | 'webhook' | 'history';

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
  openedBy: 'opened_by',
  adoptedAt: 'adopted_at',
  adoptedFrom: 'adopted_from',
  createdAt: 'created_at',
  postedAt: 'posted_at',
  knownAt: 'known_at',
  settledAt: 'settled_at',
  storedAt: 'stored_at',
} as const;

/** The columns of a `LedgerRow` as a statement that writes one gives them back. */
export const LEDGER_COLUMNS = Object.entries(COLUMNS).map(([name, column]) => `${column} as ${name}`);

/** The latest purchase of a subject, or undefined before the first. */
export async function latestPurchase(knex: Knex, jobId: string, subject: Subject): Promise<LedgerRow | undefined> {
  return await selectPurchases(knex).where({ job_id: jobId, subject }).orderBy('attempt', 'desc').first();
}

/** All purchases of a subject, the newest first. */
export async function purchasesOf(knex: Knex, jobId: string, subject: Subject): Promise<LedgerRow[]> {
  return await selectPurchases(knex).where({ job_id: jobId, subject }).orderBy('attempt', 'desc');
}

/** Every purchase of a job, in the order in which they were opened. */
export async function listPurchases(knex: Knex, jobId: string): Promise<LedgerRow[]> {
  return await selectPurchases(knex).where({ job_id: jobId }).orderBy(['created_at', 'subject', 'attempt']);
}

export async function findPurchase(knex: Knex, providerId: string): Promise<LedgerRow | undefined> {
  return await selectPurchases(knex).where({ provider_id: providerId }).first();
}

/** Selects `LedgerRow`s. */
export const selectPurchases = (knex: Knex): Knex.QueryBuilder => knex('predictions').select(COLUMNS);

/** Later purchases of the same, as a selection for a condition. */
export const laterPurchases = (knex: Knex, { jobId, subject, attempt }: LedgerRow): Knex.QueryBuilder =>
  knex('predictions').select('id').where({ job_id: jobId, subject }).where('attempt', '>', attempt);

/** Which generation a prediction of the provider belongs to; undefined for one that the ledger does not know. */
export async function findGenerationOf(
  knex: Knex,
  providerId: string,
): Promise<{ jobId: string; subject: Subject } | undefined> {
  return await knex('predictions').where({ provider_id: providerId }).first({ jobId: 'job_id', subject: 'subject' });
}

/** Of these ids of the provider, those that the ledger knows, as a purchase or as a stray. */
export async function knownProviderIds(knex: Knex, providerIds: readonly string[]): Promise<Set<string>> {
  const ofTable = (table: 'predictions' | 'strays'): Knex.QueryBuilder =>
    knex(table)
      .select('provider_id')
      .whereIn('provider_id', [...providerIds]);
  const rows = [...(await ofTable('predictions')), ...(await ofTable('strays'))];
  return new Set(rows.map((row: { provider_id: string }) => row.provider_id));
}

/** Whether this time of the purchase lies at least `ms` back by the database's clock. */
export async function isLongAgo(
  knex: Knex,
  id: string,
  column: 'post_by' | 'absent_since' | 'known_at' | 'settled_at',
  ms: number,
): Promise<boolean> {
  const row = await knex('predictions')
    .where({ id })
    .whereRaw(`?? <= now() - ? * interval '1 millisecond'`, [column, ms])
    .first('id');
  return row !== undefined;
}

/** Whether something was bought for the job, or may have been. */
export async function hasBought(knex: Knex, jobId: string): Promise<boolean> {
  const nothing: PredictionState[] = ['intended', 'failed', 'canceled'];
  const row: unknown = await knex('predictions').where({ job_id: jobId }).whereNotIn('state', nothing).first('id');
  return row !== undefined;
}
