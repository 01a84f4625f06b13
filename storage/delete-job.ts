import type { Knex } from 'knex';
import { ReelwrightError } from '../domain/errors.js';
import { lockOwnJob, wrongState } from './job-actions.js';
import { findMediaUse, removeMedia } from './remove-media.js';

/** What an input of the provider is told in words or by links; the rest says what was bought, and for how much. */
const TOLD = ['prompt', 'image', 'last_frame', 'first_frame_image', 'last_frame_image', 'input_audio'];

/**
 * Deletes an owner's job that is over, and gives when: its media and exports go, and so does all that its owner said in
 * words. A row that nobody is shown stays for the accounts, with its ledger, its costs and its strays. Throws NOT_FOUND,
 * and WRONG_STATE while it is open, while a purchase of it is not settled, or while something is made of its video.
 */
export async function deleteJob(trx: Knex, ownerId: string, jobId: string): Promise<Date> {
  const { job } = await lockOwnJob(trx, ownerId, jobId);
  const use = await findMediaUse(trx, jobId);
  if (use?.by === 'job') throw wrongState(job, 'a job that is over');
  if (use?.by === 'purchase') throw inUse('a job whose purchases are settled', 'purchases that are not', use.ids);
  if (use?.by === 'rendition') throw inUse('a job of which nothing is being made', 'exports or combinations', use.ids);
  await removeMedia(trx, jobId);
  await trx('renditions').where({ job_id: jobId }).delete();
  const silent = { prompt: '', warnings: '[]', error: null };
  await trx('clips')
    .where({ job_id: jobId })
    .update({ ...silent, scene_name: null, first_image_url: null, last_image_url: null });
  await trx('music_pieces').where({ job_id: jobId }).update(silent);
  await forgetInputs(trx, jobId);
  const [deleted] = await trx('jobs')
    .where({ id: jobId })
    .update({
      name: '',
      order_body: '{}',
      metadata: '{}',
      warnings: '[]',
      error: null,
      cut_plan: null,
      deleted_at: trx.fn.now(),
      updated_at: trx.fn.now(),
    })
    .returning<{ deleted_at: Date }[]>('deleted_at' as never);
  return (deleted as { deleted_at: Date }).deleted_at;
}

async function forgetInputs(trx: Knex, jobId: string): Promise<void> {
  // What the provider told of the job's predictions repeats their inputs.
  await trx('webhook_inbox')
    .whereIn(
      'prediction_id',
      trx('predictions').where({ job_id: jobId }).whereNotNull('provider_id').select('provider_id'),
    )
    .delete();
  await trx('predictions')
    .where({ job_id: jobId })
    .update({ output: null, input: trx.raw('input - ?::text[]', [TOLD]) });
}

const inUse = (expected: string, what: string, ids: readonly string[]): ReelwrightError =>
  new ReelwrightError('WRONG_STATE', `expected ${expected}, seen ${what}: ${ids.join(', ')}`, {
    details: { expected, seen: what, ids: [...ids] },
  });
