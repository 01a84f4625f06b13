/** Rows of the ledger as a test wants them, whatever led to them. */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { FailureInfo, Subject } from '../../domain/contract.js';
import type { PredictionState } from '../../domain/ledger.js';

export interface LedgerRowOptions {
  jobId: string;
  subject?: Subject;
  attempt?: number;
  state: PredictionState;
  providerId?: string | null;
  model?: string;
  fingerprint?: string;
  input?: Record<string, unknown>;
  estimateUsd?: number;
  error?: FailureInfo;
  /** How long ago it was intended, posted and settled, in milliseconds. */
  agoMs?: number;
}

export const VEO = 'google/veo-3.1-fast';

/** Inserts a purchase and gives its id. */
export async function insertPurchase(knex: Knex, options: LedgerRowOptions): Promise<string> {
  const { state, agoMs = 0, error } = options;
  const id = randomUUID();
  const then = knex.raw(`now() - ? * interval '1 millisecond'`, [agoMs]);
  await knex('predictions').insert({
    id,
    job_id: options.jobId,
    subject: options.subject ?? 'clip:1',
    attempt: options.attempt ?? 1,
    model: options.model ?? VEO,
    fingerprint: options.fingerprint ?? `seed:${id}`,
    input: JSON.stringify(options.input ?? {}),
    state,
    lease: randomUUID(),
    post_by: then,
    created_at: then,
    posted_at: state === 'intended' ? null : then,
    settled_at: state === 'succeeded' ? then : null,
    provider_id: options.providerId ?? null,
    estimate_usd: options.estimateUsd ?? 0.4,
    error: error === undefined ? null : JSON.stringify(error),
  });
  return id;
}
