import type { Knex } from 'knex';
import type { Subject } from '../domain/contract.js';
import { type PredictionState, statesBefore } from '../domain/ledger.js';

/** What is needed of a purchase to judge the predictions that may be its own. Money is US dollars. */
export interface PurchaseFacts {
  id: string;
  jobId: string;
  subject: Subject;
  attempt: number;
  state: PredictionState;
  providerId: string | null;
  estimateUsd: number;
  input: Record<string, unknown>;
  createdAt: Date;
}

const COLUMNS = {
  id: 'id',
  jobId: 'job_id',
  subject: 'subject',
  attempt: 'attempt',
  state: 'state',
  providerId: 'provider_id',
  estimateUsd: 'estimate_usd',
  input: 'input',
  createdAt: 'created_at',
} as const;

/** The purchase of this row. */
export async function purchaseFacts(knex: Knex, id: string): Promise<PurchaseFacts | undefined> {
  return await knex('predictions').where({ id }).first(COLUMNS);
}

/** The purchases of this model and fingerprint, the newest first. */
export async function purchasesBearing(knex: Knex, model: string, fingerprint: string): Promise<PurchaseFacts[]> {
  return await knex('predictions').where({ model, fingerprint }).orderBy('created_at', 'desc').select(COLUMNS);
}

/**
 * Not found yet: the purchase that a prediction of its fingerprint is to be adopted by. A prediction of an intent says that
 * the database has fallen back behind its post.
 */
export const awaitsItsPrediction = ({ state, providerId }: Pick<PurchaseFacts, 'state' | 'providerId'>): boolean =>
  providerId === null && statesBefore('known').includes(state);

/** Of these ids of the provider, those that neither a purchase nor a stray has. */
export async function unknownProviderIds(knex: Knex, providerIds: readonly string[]): Promise<Set<string>> {
  const { rows }: { rows: { id: string }[] } = await knex.raw(
    `SELECT given.id FROM unnest(?::text[]) AS given (id)
     WHERE NOT EXISTS (SELECT FROM predictions p WHERE p.provider_id = given.id)
       AND NOT EXISTS (SELECT FROM strays s WHERE s.provider_id = given.id)`,
    [[...providerIds]],
  );
  return new Set(rows.map(({ id }) => id));
}
