/** Predictions at the provider that no attempt of the ledger stands for: recorded with their cost, so that none is lost. */
import type { Knex } from 'knex';
import type { Subject } from '../domain/contract.js';
import { isFinalStatus, type ProviderStatus } from '../domain/ledger.js';

/** Money is US dollars. */
export interface StrayRecord {
  providerId: string;
  /** The purchase whose fingerprint it bears; null where nothing of ours fits. */
  purchaseId: string | null;
  jobId: string | null;
  subject: Subject | null;
  model: string;
  fingerprint: string | null;
  status: ProviderStatus;
  estimateUsd: number;
  costUsd: number | null;
  reason: string;
  createdAt: Date;
  foundAt: Date;
  settledAt: Date | null;
}

export interface StrayFacts {
  providerId: string;
  purchaseId: string | null;
  model: string;
  fingerprint: string | null;
  status: ProviderStatus;
  /** What it may cost, until its end is known. */
  estimateUsd: number;
  /** Null while it runs. */
  costUsd: number | null;
  reason: string;
  createdAt: Date;
}

/** Records a stray, or what became of one that is known; says whether it is new. */
export async function recordStray(knex: Knex, stray: StrayFacts): Promise<boolean> {
  const ended = isFinalStatus(stray.status);
  const rows = await knex('strays')
    .insert({
      provider_id: stray.providerId,
      purchase_id: stray.purchaseId,
      model: stray.model,
      fingerprint: stray.fingerprint,
      status: stray.status,
      estimate_usd: stray.estimateUsd,
      cost_usd: stray.costUsd,
      reason: stray.reason,
      created_at: stray.createdAt,
      settled_at: ended ? knex.fn.now() : null,
    })
    .onConflict('provider_id')
    .ignore()
    .returning('provider_id');
  if (rows.length === 1) return true;
  await knex('strays')
    .where({ provider_id: stray.providerId, settled_at: null })
    .update({ status: stray.status, cost_usd: stray.costUsd, settled_at: ended ? knex.fn.now() : null });
  return false;
}

const select = (knex: Knex): Knex.QueryBuilder =>
  knex('strays as s').leftJoin('predictions as p', 'p.id', 's.purchase_id').select({
    providerId: 's.provider_id',
    purchaseId: 's.purchase_id',
    jobId: 'p.job_id',
    subject: 'p.subject',
    model: 's.model',
    fingerprint: 's.fingerprint',
    status: 's.status',
    estimateUsd: 's.estimate_usd',
    costUsd: 's.cost_usd',
    reason: 's.reason',
    createdAt: 's.created_at',
    foundAt: 's.found_at',
    settledAt: 's.settled_at',
  });

/** Strays whose end is not known yet, the oldest first. */
export async function listOpenStrays(knex: Knex, limit: number): Promise<StrayRecord[]> {
  return await select(knex).whereNull('s.settled_at').orderBy('s.found_at').limit(limit);
}

/** Strays that bear the fingerprint of a purchase of this job, the oldest first. */
export async function listStraysOf(knex: Knex, jobId: string): Promise<StrayRecord[]> {
  return await select(knex).where('p.job_id', jobId).orderBy('s.found_at');
}
