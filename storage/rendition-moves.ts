/** How a rendition moves from state to state: each move guarded, so that none undoes an end. */
import type { Knex } from 'knex';
import type { FailureInfo } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { OPEN_RENDITION_STATES, type RenditionKind, type RenditionState } from '../domain/renditions.js';
import { wrongState } from './job-actions.js';
import { findRendition, type RenditionRecord, selectRenditions } from './renditions-repository.js';
import { takeStarted } from './take-started.js';

export interface RenditionChange {
  status: RenditionState;
  error?: FailureInfo | null;
  percent?: number;
  blobId?: string;
  durationSeconds?: number;
  /** Sets the time of completion to now. */
  completed?: boolean;
}

/**
 * Moves an open rendition on and says whether it did. Once somebody asked for its end, it moves nowhere but to that.
 */
export async function moveRendition(knex: Knex, id: string, change: RenditionChange): Promise<boolean> {
  const { status, error, percent, blobId, durationSeconds, completed } = change;
  const moved = await knex('renditions')
    .where({ id })
    .whereIn('status', [...OPEN_RENDITION_STATES])
    .whereRaw('(? OR cancel_requested_at IS NULL)', [status === 'cancelled'])
    .update({
      status,
      updated_at: knex.fn.now(),
      ...(error === undefined ? {} : { error: error === null ? null : JSON.stringify(error) }),
      ...(percent === undefined ? {} : { percent }),
      ...(blobId === undefined ? {} : { blob_id: blobId }),
      ...(durationSeconds === undefined ? {} : { duration_seconds: durationSeconds }),
      ...(completed === true ? { completed_at: knex.fn.now() } : {}),
    });
  return moved === 1;
}

/** Notes how far a running rendition is, in whole percent. */
export async function setRenditionPercent(knex: Knex, id: string, percent: number): Promise<void> {
  await knex('renditions')
    .where({ id, status: 'running' satisfies RenditionState })
    .update({ percent, updated_at: knex.fn.now() });
}

/** Notes that Temporal has taken its workflow, so that nobody owes the start any more. */
export async function markRenditionStarted(knex: Knex, id: string): Promise<void> {
  await knex('renditions').where({ id }).update({ started_at: knex.fn.now() });
}

/** Renditions committed at least `olderThanMs` ago and not handed to Temporal, and still wanted; the oldest first. */
export async function listOwedRenditions(knex: Knex, olderThanMs: number, limit: number): Promise<RenditionRecord[]> {
  return await selectRenditions(knex)
    .whereNull('r.started_at')
    .where('r.status', 'queued' satisfies RenditionState)
    .whereRaw(`r.updated_at <= now() - ? * interval '1 millisecond'`, [olderThanMs])
    .orderBy('r.updated_at')
    .limit(limit);
}

export interface StartedRendition {
  id: string;
  kind: RenditionKind;
  cancelRequestedAt: Date | null;
}

/** The renditions that `takeStarted` takes. */
export async function takeStartedRenditions(
  knex: Knex,
  olderThanMs: number,
  limit: number,
): Promise<StartedRendition[]> {
  const rows = await takeStarted<{ id: string; kind: RenditionKind; cancel_requested_at: Date | null }>(
    knex,
    {
      table: 'renditions',
      startedAt: 'started_at',
      open: OPEN_RENDITION_STATES,
      columns: ['id', 'kind', 'cancel_requested_at'],
    },
    olderThanMs,
    limit,
  );
  return rows.map(({ id, kind, cancel_requested_at }) => ({ id, kind, cancelRequestedAt: cancel_requested_at }));
}

/**
 * Asks for the end of an open rendition. Gives `requested` where its workflow is to be told, `cancelled` where it is over
 * at once because it was not handed to Temporal, and `unchanged` where somebody asked before. Throws NOT_FOUND, also for
 * another owner's, and WRONG_STATE for one that is over.
 */
export async function requestRenditionCancel(
  trx: Knex,
  id: string,
  { ownerId, kind }: { ownerId: string; kind: RenditionKind },
): Promise<'requested' | 'cancelled' | 'unchanged'> {
  await trx('renditions').select('id').where({ id, owner_id: ownerId }).forNoKeyUpdate();
  const rendition = await findRendition(trx, id, { ownerId, kind });
  if (rendition === undefined) throw new ReelwrightError('NOT_FOUND', `there is no ${kind} ${id}`);
  const { status, startedAt, cancelRequestedAt } = rendition;
  if (status === 'cancelled') return 'unchanged';
  if (!(OPEN_RENDITION_STATES as readonly RenditionState[]).includes(status)) {
    throw wrongState(rendition, `${kind === 'export' ? 'an export' : 'a combination'} that is not over`);
  }
  if (cancelRequestedAt !== null) return 'unchanged';
  const now = trx.fn.now();
  await trx('renditions').where({ id }).update({ cancel_requested_at: now, updated_at: now });
  if (status !== 'queued' || startedAt !== null) return 'requested';
  await moveRendition(trx, id, { status: 'cancelled', completed: true });
  return 'cancelled';
}
