import type { Knex } from 'knex';
import {
  type BatchAction,
  type BatchFilter,
  type BatchItemState,
  type BatchProgress,
  type BatchState,
  OPEN_BATCH_STATES,
} from '../domain/batches.js';
import type { FailureInfo } from '../domain/contract.js';
import { type ErrorCode, ReelwrightError } from '../domain/errors.js';
import { wrongState } from './job-actions.js';
import type { Page } from './jobs-repository.js';
import { takeStarted } from './take-started.js';

/** A batch's row and how far it is. Times are Dates. */
export interface BatchRecord extends BatchProgress {
  id: string;
  action: BatchAction;
  filter: BatchFilter;
  requestedBy: string;
  status: BatchState;
  error: FailureInfo | null;
  /** When Temporal took its workflow; null while that is owed. */
  startedAt: Date | null;
  cancelRequestedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
  completedAt: Date | null;
}

/** What became of one job of a batch. */
export interface BatchItem {
  position: number;
  jobId: string;
  /** The run that the job was in when it was chosen. */
  runNumber: number;
  status: BatchItemState;
  /** Why it was skipped; null otherwise. */
  code: ErrorCode | null;
  message: string | null;
  finishedAt: Date | null;
}

const COUNTS = `
  (SELECT json_build_object('total', coalesce(sum(n), 0), 'done', coalesce(sum(n) FILTER (WHERE status = 'done'), 0),
     'skipped', coalesce(sum(n) FILTER (WHERE status = 'skipped'), 0),
     'pending', coalesce(sum(n) FILTER (WHERE status = 'pending'), 0),
     'skippedFor', coalesce(json_object_agg(code, n) FILTER (WHERE status = 'skipped'), '{}'))
   FROM (SELECT status, code, count(*) AS n FROM batch_items WHERE batch_id = batches.id GROUP BY status, code) counts)`;

type Row = Omit<BatchRecord, keyof BatchProgress> & { progress: BatchProgress };

const select = (knex: Knex): Knex.QueryBuilder =>
  knex('batches').select({
    id: 'id',
    action: 'action',
    filter: 'filter',
    requestedBy: 'requested_by',
    status: 'status',
    error: 'error',
    startedAt: 'started_at',
    cancelRequestedAt: 'cancel_requested_at',
    createdAt: 'created_at',
    updatedAt: 'updated_at',
    completedAt: 'completed_at',
    progress: knex.raw(COUNTS) as Knex.Raw<BatchProgress>,
  });

const record = ({ progress, ...row }: Row): BatchRecord => ({ ...row, ...progress });

/** The batch; throws NOT_FOUND without it. */
export async function readBatch(knex: Knex, id: string): Promise<BatchRecord> {
  const row: Row | undefined = await select(knex).where({ id }).first();
  if (row === undefined) throw new ReelwrightError('NOT_FOUND', `there is no batch ${id}`);
  return record(row);
}

/** The batches, newest first, and how many there are. */
export async function listBatches(
  knex: Knex,
  { page, limit }: Page,
): Promise<{ batches: BatchRecord[]; total: number }> {
  const [count] = await knex('batches').count({ total: '*' });
  const rows: Row[] = await select(knex)
    .orderBy([
      { column: 'created_at', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .limit(limit)
    .offset((page - 1) * limit);
  return { batches: rows.map(record), total: Number(count?.['total'] ?? 0) };
}

/** The jobs of a batch, in the order in which they are worked on. */
export async function listBatchItems(knex: Knex, batchId: string): Promise<BatchItem[]> {
  return await knex('batch_items').where({ batch_id: batchId }).orderBy('position').select({
    position: 'position',
    jobId: 'job_id',
    runNumber: 'run_number',
    status: 'status',
    code: 'code',
    message: 'message',
    finishedAt: 'finished_at',
  });
}

/** Moves an open batch on and says whether it did. Once somebody asked for its end, it moves nowhere but to that. */
export async function moveBatch(
  knex: Knex,
  id: string,
  { status, error, completed }: { status: BatchState; error?: FailureInfo | null; completed?: boolean },
): Promise<boolean> {
  const moved = await knex('batches')
    .where({ id })
    .whereIn('status', [...OPEN_BATCH_STATES])
    .whereRaw('(? OR cancel_requested_at IS NULL)', [status === 'cancelled'])
    .update({
      status,
      updated_at: knex.fn.now(),
      ...(error === undefined ? {} : { error: error === null ? null : JSON.stringify(error) }),
      ...(completed === true ? { completed_at: knex.fn.now() } : {}),
    });
  return moved === 1;
}

/** Notes that Temporal has taken its workflow, so that nobody owes the start any more. */
export async function markBatchStarted(knex: Knex, id: string): Promise<void> {
  await knex('batches').where({ id }).update({ started_at: knex.fn.now() });
}

/** Batches committed at least `olderThanMs` ago and not handed to Temporal, and still wanted; the oldest first. */
export async function listOwedBatches(knex: Knex, olderThanMs: number, limit: number): Promise<BatchRecord[]> {
  const rows: Row[] = await select(knex)
    .whereNull('started_at')
    .where({ status: 'queued' satisfies BatchState })
    .whereRaw(`updated_at <= now() - ? * interval '1 millisecond'`, [olderThanMs])
    .orderBy('updated_at')
    .limit(limit);
  return rows.map(record);
}

/** The batches that `takeStarted` takes. */
export async function takeStartedBatches(
  knex: Knex,
  olderThanMs: number,
  limit: number,
): Promise<{ id: string; cancelRequestedAt: Date | null }[]> {
  const rows = await takeStarted<{ id: string; cancel_requested_at: Date | null }>(
    knex,
    { table: 'batches', startedAt: 'started_at', open: OPEN_BATCH_STATES, columns: ['id', 'cancel_requested_at'] },
    olderThanMs,
    limit,
  );
  return rows.map(({ id, cancel_requested_at }) => ({ id, cancelRequestedAt: cancel_requested_at }));
}

/**
 * Asks for the end of an open batch: no further job is touched from the commit on, and what was done stays done. Gives
 * `requested` where its workflow is to be told, `cancelled` where it is over at once because it was not handed to
 * Temporal, and `unchanged` where somebody asked before. Throws NOT_FOUND, and WRONG_STATE for one that is over.
 */
export async function requestBatchCancel(trx: Knex, id: string): Promise<'requested' | 'cancelled' | 'unchanged'> {
  await trx('batches').select('id').where({ id }).forUpdate();
  const batch = await readBatch(trx, id);
  if (batch.status === 'cancelled') return 'unchanged';
  if (!(OPEN_BATCH_STATES as readonly BatchState[]).includes(batch.status)) {
    throw wrongState(batch, 'a batch that is not over');
  }
  if (batch.cancelRequestedAt !== null) return 'unchanged';
  const now = trx.fn.now();
  await trx('batches').where({ id }).update({ cancel_requested_at: now, updated_at: now });
  if (batch.status !== 'queued' || batch.startedAt !== null) return 'requested';
  await moveBatch(trx, id, { status: 'cancelled', completed: true });
  return 'cancelled';
}
