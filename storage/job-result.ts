import type { Knex } from 'knex';

/** What became of a job. Its length is seconds, its size bytes, both null without a video; its cost is US dollars. */
export interface JobResult {
  durationSeconds: number | null;
  sizeBytes: number | null;
  costUsd: number;
}

/** What the ledger says was spent on the job `j`, strays included. */
export const actualCostUsd = (knex: Knex): Knex.Raw<number> =>
  knex.raw(
    `(SELECT coalesce(sum(p.cost_usd), 0)
         + coalesce(sum((SELECT sum(s.cost_usd) FROM strays s WHERE s.purchase_id = p.id)), 0)
       FROM predictions p WHERE p.job_id = j.id)`,
  );

/** What a `JobResult` has, from `jobs`, named `j`. */
export const resultColumns = (knex: Knex): Record<keyof JobResult, string | Knex.Raw> => ({
  durationSeconds: 'j.duration_seconds',
  sizeBytes: knex.raw('(SELECT b.size FROM blobs b WHERE b.id = j.video_blob_id)'),
  costUsd: actualCostUsd(knex),
});
