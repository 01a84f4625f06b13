import type { Knex } from 'knex';
import { ReelwrightError } from '../domain/errors.js';
import { OPEN_JOB_STATES } from './open-jobs.js';

/** Most jobs that a refusal names. */
const NAMED = 10;

/**
 * Deletes an owner's asset and gives when. Its row stays without bytes and without words, so that clips which were made
 * of it still say so; the bytes go with the next sweep, unless something else refers to them. Throws NOT_FOUND, also for
 * another owner's, and WRONG_STATE, with the jobs in `details.jobs`, while an open job may still need it.
 */
export async function deleteAsset(trx: Knex, ownerId: string, id: string): Promise<Date> {
  // Whoever names the asset in an order meanwhile holds its row, or waits for this lock.
  const own: unknown = await trx('assets')
    .where({ id, owner_id: ownerId })
    .whereNull('deleted_at')
    .forUpdate()
    .first('id');
  if (own === undefined) throw new ReelwrightError('NOT_FOUND', `there is no asset ${id}`);
  const jobs: string[] = await trx('clips as c')
    .join('jobs as j', 'j.id', 'c.job_id')
    .whereIn('j.status', [...OPEN_JOB_STATES])
    .whereRaw('? IN (c.first_asset_id, c.last_asset_id)', [id])
    .distinct('j.id')
    .limit(NAMED)
    .pluck('j.id');
  if (jobs.length > 0) {
    throw new ReelwrightError('WRONG_STATE', `expected an asset that no open job needs, seen jobs ${jobs.join(', ')}`, {
      details: { expected: 'an asset that no open job needs', seen: `${jobs.length} open jobs`, jobs },
    });
  }
  const [deleted] = await trx('assets')
    .where({ id })
    .update({ blob_id: null, deleted_at: trx.fn.now(), name: '', tags: '[]', source_url: null })
    .returning<{ deleted_at: Date }[]>('deleted_at' as never);
  return (deleted as { deleted_at: Date }).deleted_at;
}

/**
 * Throws ASSET_NOT_FOUND where one of these assets was deleted. To be asked after the rows that refer to them are written,
 * whose locks keep the assets from then on.
 */
export async function requireAssetsKept(trx: Knex, ids: readonly (string | null)[], whose: string): Promise<void> {
  const named = [...new Set(ids.filter((id) => id !== null))];
  if (named.length === 0) return;
  const deleted: { id: string } | undefined = await trx('assets')
    .whereIn('id', named)
    .whereNotNull('deleted_at')
    .first('id');
  if (deleted === undefined) return;
  throw new ReelwrightError('ASSET_NOT_FOUND', `${whose}: its image, asset ${deleted.id}, was deleted`, {
    details: { expected: 'an image that is there', seen: deleted.id },
  });
}
