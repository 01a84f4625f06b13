/** Which jobs a batch is about: chosen once, by one query. */
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { type BatchAction, type BatchFilter, MAX_BATCH_JOBS } from '../domain/batches.js';
import { ReelwrightError } from '../domain/errors.js';
import type { JobState } from '../domain/states.js';
import { OPEN_JOB_STATES } from './open-jobs.js';

export interface BatchOrder {
  action: BatchAction;
  filter: BatchFilter;
}

/** A job that fits, as it is at the moment. */
export interface ChosenJob {
  jobId: string;
  runNumber: number;
  ownerId: string;
  name: string;
  status: JobState;
}

/**
 * The jobs that fit, the oldest first. Throws VALIDATION_FAILED where they are more than one batch takes, and where no
 * owner or campaign of that id exists.
 */
export async function chooseJobs(knex: Knex, { action, filter }: BatchOrder): Promise<ChosenJob[]> {
  const { ownerId, campaignId, since, until } = filter;
  await requireRow(knex, 'owners', 'owner', ownerId);
  await requireRow(knex, 'campaigns', 'campaignId', campaignId);
  const query = knex('jobs')
    .whereIn('status', statesFor(action, filter))
    .whereNull('deleted_at')
    .modify((jobs) => {
      if (ownerId !== undefined) void jobs.where({ owner_id: ownerId });
      if (campaignId !== undefined) void jobs.where({ campaign_id: campaignId });
      if (since !== undefined) void jobs.where('completed_at', '>=', since);
      if (until !== undefined) void jobs.where('completed_at', '<', until);
      // Who asked for a job's end does not need it asked for again.
      if (action === 'cancel') void jobs.whereNull('cancel_requested_at');
    })
    .orderBy(['created_at', 'id'])
    .limit(MAX_BATCH_JOBS + 1);
  const jobs: ChosenJob[] = await query.select({
    jobId: 'id',
    runNumber: 'run_number',
    ownerId: 'owner_id',
    name: 'name',
    status: 'status',
  });
  if (jobs.length <= MAX_BATCH_JOBS) return jobs;
  throw new ReelwrightError(
    'VALIDATION_FAILED',
    `expected at most ${MAX_BATCH_JOBS} jobs, seen more: narrow them by an owner, a campaign or a time`,
    { details: { expected: `at most ${MAX_BATCH_JOBS} jobs`, seen: `more than ${MAX_BATCH_JOBS}` } },
  );
}

/**
 * Stores a batch with the jobs that fit now, and gives its id; inside the caller's transaction. The caller starts the
 * workflow after the commit. `requestedBy` is shown to whoever asks. Throws as `chooseJobs`.
 */
export async function insertBatch(trx: Knex, order: BatchOrder, requestedBy: string): Promise<string> {
  const id = uuidv7();
  const jobs = await chooseJobs(trx, order);
  await trx('batches').insert({
    id,
    action: order.action,
    filter: JSON.stringify(order.filter),
    requested_by: requestedBy,
    status: 'queued',
  });
  const items = jobs.map(({ jobId, runNumber }, index) => ({
    batch_id: id,
    position: index + 1,
    job_id: jobId,
    run_number: runNumber,
  }));
  if (items.length > 0) await trx.batchInsert('batch_items', items, 500);
  return id;
}

/** The id of the owner with this id or name; undefined without one. */
export async function findOwnerId(knex: Knex, idOrName: string): Promise<string | undefined> {
  const row: { id: string } | undefined = await knex('owners')
    .whereRaw('id::text = lower(?) OR name = ?', [idOrName, idOrName])
    // A name may look like another owner's id.
    .orderByRaw('(id::text = lower(?)) DESC', [idOrName])
    .first('id');
  return row?.id;
}

function statesFor(action: BatchAction, { withGaps }: BatchFilter): readonly JobState[] {
  if (action === 'cancel') return OPEN_JOB_STATES;
  return withGaps === true ? ['failed', 'completed_with_gaps'] : ['failed'];
}

async function requireRow(knex: Knex, table: string, path: string, id: string | undefined): Promise<void> {
  if (id === undefined || (await knex(table).where({ id }).first('id')) !== undefined) return;
  throw new ReelwrightError('VALIDATION_FAILED', `${path}: expected one that exists, got ${id}`, {
    details: { path, expected: 'one that exists', seen: id },
  });
}
