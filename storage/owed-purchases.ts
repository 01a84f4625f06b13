/** Rule (c): purchases of which something is owed, whether or not a workflow is at work on it. */
import type { Knex } from 'knex';
import type { FailureInfo, Subject } from '../domain/contract.js';
import type { PredictionState } from '../domain/ledger.js';
import { FINAL_JOB_STATES } from '../domain/states.js';

export interface OwedPurchase {
  id: string;
  jobId: string;
  subject: Subject;
  state: PredictionState;
  providerId: string | null;
}

/**
 * Purchases that were posted at least `olderThanMs` ago and have no end, or whose output is not stored without a reason noted (it is lost), and
 * intents whose window closed that long ago and whose job, clip or music has ended. At most `limit` of them: those of ended
 * jobs first, since nothing runs for these, and else in no order, so that none is always the last.
 */
export async function listOwedPurchases(knex: Knex, olderThanMs: number, limit: number): Promise<OwedPurchase[]> {
  const { rows }: { rows: OwedPurchase[] } = await knex.raw(
    `SELECT p.id, p.job_id AS "jobId", p.subject, p.state, p.provider_id AS "providerId"
     FROM predictions p
     JOIN jobs j ON j.id = p.job_id
     LEFT JOIN clips c ON c.job_id = p.job_id AND p.subject = 'clip:' || c.number
     LEFT JOIN music_pieces m ON m.job_id = p.job_id AND p.subject = 'music:' || m.number
     WHERE p.state IN ('intended', 'posting', 'known', 'unknown', 'succeeded')
       AND CASE p.state
         WHEN 'intended' THEN p.post_by <= now() - CAST(:age AS interval)
           AND (j.status = ANY (CAST(:ended AS text[])) OR coalesce(c.status, m.status) IN ('cancelled', 'failed', 'skipped'))
         WHEN 'succeeded' THEN p.error IS NULL AND p.settled_at <= now() - CAST(:age AS interval)
         ELSE coalesce(p.error->>'code', '') <> 'PURCHASE_UNKNOWN' AND coalesce(p.posted_at, p.created_at) <= now() - CAST(:age AS interval)
       END
     ORDER BY j.status = ANY (CAST(:ended AS text[])) DESC, random()
     LIMIT :limit`,
    { age: `${olderThanMs} milliseconds`, ended: [...FINAL_JOB_STATES], limit },
  );
  return rows;
}

/** Notes that nobody can say any more whether a purchase was made: somebody has to decide, and nothing more is tried. */
export async function recordUnrecognisable(knex: Knex, id: string, error: FailureInfo): Promise<void> {
  await knex('predictions')
    .where({ id })
    .whereNull('provider_id')
    .whereIn('state', ['posting', 'unknown'] satisfies PredictionState[])
    .update({ state: 'unknown' satisfies PredictionState, error: JSON.stringify(error) });
}

/** Purchases whose outcome is not known, the oldest first: what somebody may have to decide on. */
export async function listUnknownPurchases(
  knex: Knex,
): Promise<(OwedPurchase & { attempt: number; model: string; estimateUsd: number; postedAt: Date | null })[]> {
  return await knex('predictions')
    .where({ state: 'unknown' satisfies PredictionState })
    .orderBy('created_at')
    .select({
      id: 'id',
      jobId: 'job_id',
      subject: 'subject',
      attempt: 'attempt',
      state: 'state',
      providerId: 'provider_id',
      model: 'model',
      estimateUsd: 'estimate_usd',
      postedAt: 'posted_at',
    });
}
