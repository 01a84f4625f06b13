import type { Knex } from 'knex';
import { ReelwrightError } from '../domain/errors.js';
import { OPEN_RENDITION_STATES, type RenditionKind, type RenditionState } from '../domain/renditions.js';
import { wrongState } from './job-actions.js';

/**
 * Deletes an owner's export or combination that is over; its bytes go with the next sweep. Throws NOT_FOUND, also for
 * another owner's, and WRONG_STATE for one that is not over.
 */
export async function deleteRendition(
  trx: Knex,
  id: string,
  { ownerId, kind }: { ownerId: string; kind: RenditionKind },
): Promise<void> {
  const row: { status: RenditionState } | undefined = await trx('renditions')
    .where({ id, owner_id: ownerId, kind })
    .forUpdate()
    .first('status');
  const what = kind === 'export' ? 'export' : 'combined video';
  if (row === undefined) throw new ReelwrightError('NOT_FOUND', `there is no ${what} ${id}`);
  if ((OPEN_RENDITION_STATES as readonly RenditionState[]).includes(row.status)) {
    throw wrongState(row, `${kind === 'export' ? 'an' : 'a'} ${what} that is over`);
  }
  await trx('renditions').where({ id }).delete();
}
