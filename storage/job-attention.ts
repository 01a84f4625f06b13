import type { Knex } from 'knex';
import type { FailureInfo } from '../domain/contract.js';
import type { JobState } from '../domain/states.js';

/**
 * Brings a job that is being generated in line with its clips: it needs attention while one of them does, and then
 * states the first one's reason.
 */
export async function noteAttention(trx: Knex, jobId: string): Promise<void> {
  const waiting: { number: number; error: FailureInfo } | undefined = await trx('clips')
    .where({ job_id: jobId, status: 'needs_attention' })
    .orderBy('number')
    .first({ number: 'number', error: 'error' });
  const status: JobState = waiting === undefined ? 'generating' : 'needs_attention';
  const error =
    waiting === undefined ? null : { ...waiting.error, message: `clip ${waiting.number}: ${waiting.error.message}` };
  await trx('jobs')
    .where({ id: jobId })
    .whereIn('status', ['generating', 'needs_attention'] satisfies JobState[])
    .update({ status, error: error === null ? null : JSON.stringify(error), updated_at: trx.fn.now() });
}
