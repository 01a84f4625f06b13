/** What the rows of all paid things of a job have in common, whatever they are. */
import type { Knex } from 'knex';
import type { FailureInfo, Subject, SubjectKind } from '../domain/contract.js';
import type { ClipState } from '../domain/states.js';

export type SubJobKind = Extract<SubjectKind, 'clip' | 'music'>;

/** Which row is meant. Numbers count from 1. */
export interface SubJobKey {
  kind: SubJobKind;
  jobId: string;
  number: number;
}

/** Where the provider reads what a purchase is made of, and until when the links hold. */
export interface PreparedInputs {
  firstImageUrl: string | null;
  lastImageUrl: string | null;
  /** The music that is gone on from; absent for clips. */
  inputAudioUrl?: string | null;
  /** ISO 8601; null where nothing expires because there is nothing to read. */
  expiresAt: string | null;
}

/** A row together with what its latest purchase says. Durations are seconds, money is US dollars. */
export interface SubJob extends SubJobKey {
  status: ClipState;
  prompt: string;
  durationSeconds: number;
  preparedInputs: PreparedInputs | null;
  blobId: string | null;
  blobSha256: string | null;
  sizeBytes: number | null;
  warnings: string[];
  error: FailureInfo | null;
  /** Number of the latest purchase; 0 before the first. */
  attempt: number;
  predictionId: string | null;
  /** What all purchases of it have cost so far; null while none has a price. */
  costUsd: number | null;
  startedAt: Date | null;
  completedAt: Date | null;
}

const TABLES: Record<SubJobKind, string> = { clip: 'clips', music: 'music_pieces' };

export const subjectOf = ({ kind, number }: Pick<SubJobKey, 'kind' | 'number'>): Subject => `${kind}:${number}`;

/** Selects what a `SubJob` has from the table of its kind, named `c`. */
export const selectSubJobs = (knex: Knex, kind: SubJobKind): Knex.QueryBuilder =>
  knex(`${TABLES[kind]} as c`)
    .leftJoin('blobs as b', 'b.id', 'c.blob_id')
    .joinRaw(
      `LEFT JOIN LATERAL (
         SELECT p.attempt, p.provider_id FROM predictions p
         WHERE p.job_id = c.job_id AND p.subject = ? || c.number ORDER BY p.attempt DESC LIMIT 1
       ) latest ON true`,
      [`${kind}:`],
    )
    .select({
      kind: knex.raw('?::text', [kind]) as Knex.Raw<string>,
      jobId: 'c.job_id',
      number: 'c.number',
      status: 'c.status',
      model: 'c.model',
      prompt: 'c.prompt',
      durationSeconds: 'c.duration_seconds',
      preparedInputs: 'c.prepared_inputs',
      blobId: 'c.blob_id',
      blobSha256: 'b.sha256',
      sizeBytes: 'b.size',
      warnings: 'c.warnings',
      error: 'c.error',
      predictionId: 'latest.provider_id',
      startedAt: 'c.started_at',
      completedAt: 'c.completed_at',
      attempt: knex.raw('coalesce(latest.attempt, 0)') as Knex.Raw<number>,
      costUsd: knex.raw(
        `(SELECT sum(p.cost_usd) FROM predictions p WHERE p.job_id = c.job_id AND p.subject = ? || c.number)`,
        [`${kind}:`],
      ) as Knex.Raw<number>,
    });

/** What a row's job says of it, and how many of its kind the job has. */
export interface JobOfMany {
  jobName: string;
  generateAudio: boolean;
  of: number;
}

/** Adds a `JobOfMany` to a selection of `SubJob`s. */
export const withJobOfMany = (knex: Knex, kind: SubJobKind, selection: Knex.QueryBuilder): Knex.QueryBuilder =>
  selection.join('jobs as j', 'j.id', 'c.job_id').select({
    jobName: 'j.name',
    generateAudio: 'j.generate_audio',
    of: knex(TABLES[kind]).whereRaw('job_id = j.id').count() as never,
  });

export interface SubJobChange {
  status?: ClipState;
  preparedInputs?: PreparedInputs | null;
  blobId?: string;
  warnings?: string[];
  error?: FailureInfo | null;
  /** Sets the time of the first start to now, where none is set. */
  started?: boolean;
  /** Sets the time of completion to now, or takes it away. */
  completed?: boolean;
}

export interface Along {
  /** Columns of the row's own kind, as they are. */
  columns?: Record<string, unknown>;
  /** Another change, of one statement, that happens if this one does. */
  with?: Knex.QueryBuilder;
  /** Rows that must not be there: nothing happens where one is. */
  unless?: Knex.QueryBuilder;
}

/**
 * Changes a row and says whether it did: nothing happens when it is in none of the states `from`. A change leaves the
 * job's row locked until the transaction ends, as `lockJob` does.
 */
export async function moveSubJob(
  knex: Knex,
  key: SubJobKey,
  from: readonly ClipState[],
  change: SubJobChange,
  along: Along = {},
): Promise<boolean> {
  return (await touchMoved(knex, withMove(knex, knex.queryBuilder(), key, from, change, along))) === 1;
}

/** The same as the beginning of another statement, which happens whether the row was moved or not; `moved` has a row where it was. */
export const beginByMoving = (
  knex: Knex,
  statement: Knex.QueryBuilder,
  key: SubJobKey,
  from: readonly ClipState[],
  change: SubJobChange,
  along: Along = {},
): Knex.QueryBuilder =>
  withMove(knex, statement, key, from, change, along).with('touched', touchMoved(knex, knex.queryBuilder()));

/** The job's row in the same statement: it has changed when one of its parts has. */
const touchMoved = (knex: Knex, statement: Knex.QueryBuilder): Knex.QueryBuilder =>
  statement.from('jobs').whereIn('id', knex.select('job_id').from('moved')).update({ updated_at: knex.fn.now() });

function withMove(
  knex: Knex,
  statement: Knex.QueryBuilder,
  { kind, jobId, number }: SubJobKey,
  from: readonly ClipState[],
  change: SubJobChange,
  { columns, with: along, unless }: Along,
): Knex.QueryBuilder {
  const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
  // First of all, as everybody does who changes both: two that take them in other orders wait for each other.
  const job = knex('jobs').select('id').where({ id: jobId }).forNoKeyUpdate();
  const move = knex(TABLES[kind])
    .where({ job_id: jobId, number })
    .whereExists(knex.from('job').select('id'))
    .whereIn('status', [...from])
    .modify((query) => (unless === undefined ? undefined : void query.whereNotExists(unless)))
    .update({
      // A change of nothing but times would otherwise be an empty update.
      ...(change.status === undefined ? { status: knex.ref('status') } : { status: change.status }),
      ...columns,
      ...(change.preparedInputs === undefined ? {} : { prepared_inputs: json(change.preparedInputs) }),
      ...(change.blobId === undefined ? {} : { blob_id: change.blobId }),
      ...(change.warnings === undefined ? {} : { warnings: JSON.stringify(change.warnings) }),
      ...(change.error === undefined ? {} : { error: json(change.error) }),
      ...(change.started === true ? { started_at: knex.raw('coalesce(started_at, now())') } : {}),
      ...(change.completed === undefined ? {} : { completed_at: change.completed ? knex.fn.now() : null }),
    })
    .returning('job_id');
  const moving = statement.with('job', job).with('moved', move);
  return along === undefined ? moving : moving.with('also', along.whereExists(knex.from('moved').select('job_id')));
}
