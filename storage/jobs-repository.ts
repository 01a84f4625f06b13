import type { Knex } from 'knex';
import type { FailureInfo } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import type { AspectRatio, ModelName, Resolution } from '../domain/models.js';
import type { ClipFailurePolicy, JobKind, Transition } from '../domain/orders.schema.js';
import type { JobState } from '../domain/states.js';
import { type ClipRecord, listClips } from './clips-repository.js';
import { actualCostUsd } from './job-result.js';
import { listMusic, type MusicRecord } from './music-repository.js';

/** A job's own row. Money is US dollars, times are Dates, durations seconds. */
export interface JobRow {
  id: string;
  ownerId: string;
  campaignId: string | null;
  kind: JobKind;
  name: string;
  status: JobState;
  runNumber: number;
  model: ModelName;
  resolution: Resolution;
  aspectRatio: AspectRatio;
  generateAudio: boolean;
  transition: Transition;
  /** What the order says of the video's picture; null where it leaves that to the clips. */
  orderedResolution: Resolution | null;
  orderedFrameRate: number | null;
  onClipFailure: ClipFailurePolicy;
  metadata: Record<string, unknown>;
  warnings: string[];
  error: FailureInfo | null;
  estimatedCostUsd: number;
  budgetUsd: number | null;
  videoBlobId: string | null;
  posterBlobId: string | null;
  durationSeconds: number | null;
  /** How much of the cut is done, 0 to 1; of use while the job is composing. */
  cutFraction: number;
  createdAt: Date;
  updatedAt: Date;
  completedAt: Date | null;
  /** When somebody asked for its end. */
  cancelRequestedAt: Date | null;
  /** When its media went: their time was over, or its owner deleted it. */
  mediaDeletedAt: Date | null;
}

/** A job with what the ledger, its campaign and the store say of it. Sizes are bytes. */
export interface JobRecord extends JobRow {
  /** What the ledger says was spent so far, strays included. */
  actualCostUsd: number;
  videoSha256: string | null;
  posterSha256: string | null;
  posterSizeBytes: number | null;
  /** Of the previews of the present video. */
  thumbnailSha256: string | null;
  cuesSha256: string | null;
  sizeBytes: number | null;
  /** Days that its campaign keeps media; null where that is the deployment's to say. */
  retentionDays: number | null;
}

export interface JobFilter {
  status?: JobState;
  kind?: JobKind;
  campaignId?: string;
}

export interface Page {
  /** From 1. */
  page: number;
  limit: number;
}

export type JobWithClips = JobRecord & { clips: ClipRecord[]; music: MusicRecord[] };

/** What a `JobRow` has, from `jobs`, named `j`. */
export const jobColumns = (knex: Knex): Record<string, string | Knex.Raw> => ({
  id: 'j.id',
  ownerId: 'j.owner_id',
  campaignId: 'j.campaign_id',
  kind: 'j.kind',
  name: 'j.name',
  status: 'j.status',
  runNumber: 'j.run_number',
  model: 'j.model',
  resolution: 'j.resolution',
  aspectRatio: 'j.aspect_ratio',
  generateAudio: 'j.generate_audio',
  transition: knex.raw(`coalesce(j.order_body->>'transition', 'cut')`),
  orderedResolution: knex.raw(`j.order_body->>'resolution'`),
  orderedFrameRate: knex.raw(`(j.order_body->>'frameRate')::integer`),
  onClipFailure: 'j.on_clip_failure',
  metadata: 'j.metadata',
  warnings: 'j.warnings',
  error: 'j.error',
  estimatedCostUsd: 'j.estimated_cost_usd',
  budgetUsd: 'j.budget_usd',
  videoBlobId: 'j.video_blob_id',
  posterBlobId: 'j.poster_blob_id',
  durationSeconds: 'j.duration_seconds',
  cutFraction: 'j.cut_fraction',
  createdAt: 'j.created_at',
  updatedAt: 'j.updated_at',
  completedAt: 'j.completed_at',
  cancelRequestedAt: 'j.cancel_requested_at',
  mediaDeletedAt: 'j.media_deleted_at',
});

/** Selects a `JobRow` from `jobs`, named `j`. */
export const selectJobRow = (knex: Knex): Knex.QueryBuilder => knex('jobs as j').select(jobColumns(knex));

const select = (knex: Knex): Knex.QueryBuilder =>
  selectJobRow(knex)
    .leftJoin('blobs as b', 'b.id', 'j.video_blob_id')
    .leftJoin('campaigns as campaign', 'campaign.id', 'j.campaign_id')
    .leftJoin('blobs as poster', 'poster.id', 'j.poster_blob_id')
    .leftJoin('video_previews as preview', (on) =>
      on.on('preview.job_id', 'j.id').andOn('preview.video_blob_id', 'j.video_blob_id'),
    )
    .leftJoin('blobs as thumbnail', 'thumbnail.id', 'preview.thumbnail_blob_id')
    .leftJoin('blobs as cues', 'cues.id', 'preview.cues_blob_id')
    .select({
      videoSha256: 'b.sha256',
      posterSha256: 'poster.sha256',
      posterSizeBytes: 'poster.size',
      thumbnailSha256: 'thumbnail.sha256',
      cuesSha256: 'cues.sha256',
      sizeBytes: 'b.size',
      retentionDays: 'campaign.retention_days',
      actualCostUsd: actualCostUsd(knex),
    });

/**
 * The job's own row, or undefined when there is none. What each purchase asks for several times: to plan the joins of
 * `findJob` takes Postgres thirty times as long.
 */
export async function findJobRow(knex: Knex, id: string): Promise<JobRow | undefined> {
  return await selectJobRow(knex).where('j.id', id).first();
}

/**
 * The job, or undefined when there is none. Where `ownerId` is given, also when it is another's or its owner has deleted
 * it: what was bought for such a job still has its row.
 */
export async function findJob(knex: Knex, id: string, ownerId?: string): Promise<JobRecord | undefined> {
  const query = select(knex).where('j.id', id).first();
  return ownerId === undefined ? await query : await query.where('j.owner_id', ownerId).whereNull('j.deleted_at');
}

/** The owner's job; throws NOT_FOUND for a missing one and for another owner's alike. */
export async function readOwnJob(knex: Knex, id: string, ownerId: string): Promise<JobRecord> {
  const job = await findJob(knex, id, ownerId);
  if (job === undefined) throw new ReelwrightError('NOT_FOUND', `there is no job ${id}`);
  return job;
}

export async function withSubJobs(knex: Knex, job: JobRecord): Promise<JobWithClips> {
  return { ...job, clips: await listClips(knex, [job.id]), music: await listMusic(knex, [job.id]) };
}

/** The owner's jobs, newest first, and how many match in all. */
export async function listJobs(
  knex: Knex,
  ownerId: string,
  filter: JobFilter,
  { page, limit }: Page,
): Promise<{ jobs: JobWithClips[]; total: number }> {
  const matching = {
    'j.owner_id': ownerId,
    ...(filter.status === undefined ? {} : { 'j.status': filter.status }),
    ...(filter.kind === undefined ? {} : { 'j.kind': filter.kind }),
    ...(filter.campaignId === undefined ? {} : { 'j.campaign_id': filter.campaignId }),
  };
  const [count] = await knex('jobs as j').where(matching).whereNull('j.deleted_at').count({ total: '*' });
  const rows: JobRecord[] = await select(knex)
    .where(matching)
    .whereNull('j.deleted_at')
    .orderBy([
      { column: 'j.created_at', order: 'desc' },
      { column: 'j.id', order: 'desc' },
    ])
    .limit(limit)
    .offset((page - 1) * limit);
  const ids = rows.map((row) => row.id);
  const [clips, music] = [await listClips(knex, ids), await listMusic(knex, ids)];
  const jobs = rows.map((row) => ({
    ...row,
    clips: clips.filter((clip) => clip.jobId === row.id),
    music: music.filter((piece) => piece.jobId === row.id),
  }));
  return { jobs, total: Number(count?.['total'] ?? 0) };
}

/** How the job's video was cut last, or null before its first cut. */
export async function findCutPlan(knex: Knex, jobId: string): Promise<Record<string, unknown> | null> {
  const row: { cutPlan: Record<string, unknown> | null } | undefined = await knex('jobs')
    .where({ id: jobId })
    .first({ cutPlan: 'cut_plan' });
  return row?.cutPlan ?? null;
}

/** Sets what the job may spend from now on, in US dollars. */
export async function setBudget(trx: Knex, jobId: string, budgetUsd: number): Promise<void> {
  await trx('jobs').where({ id: jobId }).update({ budget_usd: budgetUsd, updated_at: trx.fn.now() });
}

/** Notes that Temporal has taken the run, so that nobody owes its start any more. */
export async function markRunStarted(knex: Knex, jobId: string, runNumber: number): Promise<void> {
  await knex('jobs').where({ id: jobId, run_number: runNumber }).update({ run_started_at: knex.fn.now() });
}

/** Jobs whose run was committed at least `olderThanMs` ago and not handed to Temporal, and is still wanted; the oldest first. */
export async function listOwedStarts(knex: Knex, olderThanMs: number, limit: number): Promise<JobRecord[]> {
  return await select(knex)
    .whereNull('j.run_started_at')
    .whereNot('j.status', 'cancelled' satisfies JobState)
    .whereRaw(`j.updated_at <= now() - ? * interval '1 millisecond'`, [olderThanMs])
    .orderBy('j.updated_at')
    .limit(limit);
}

/** Locks the job's row until the transaction ends: what is decided about its clips is decided one after the other. */
export async function lockJob(trx: Knex, jobId: string): Promise<void> {
  await trx('jobs').select('id').where({ id: jobId }).forNoKeyUpdate();
}
