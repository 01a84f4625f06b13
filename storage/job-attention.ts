import type { Knex } from 'knex';

/**
 * Brings a job that is being generated in line with its clips: it needs attention while one of them does, and then
 * states the first one's reason. A row that says so already is not written.
 */
export async function noteAttention(trx: Knex, jobId: string): Promise<void> {
  await trx.raw(
    `WITH waiting AS (
       SELECT error || jsonb_build_object('message', 'clip ' || number || ': ' || (error->>'message')) AS error
       FROM clips WHERE job_id = :jobId AND status = 'needs_attention' ORDER BY number LIMIT 1
     ), noted AS (
       SELECT CASE WHEN EXISTS (SELECT FROM waiting) THEN 'needs_attention' ELSE 'generating' END AS status,
         (SELECT error FROM waiting) AS error
     )
     UPDATE jobs SET status = noted.status, error = noted.error, updated_at = now() FROM noted
     WHERE jobs.id = :jobId AND jobs.status IN ('generating', 'needs_attention')
       AND (jobs.status, jobs.error) IS DISTINCT FROM (noted.status, noted.error)`,
    { jobId },
  );
}
