/** What goes when the media of a job go, and when that may be. The bytes follow with the next sweep of the store. */
import type { Knex } from 'knex';
import { OPEN_RENDITION_STATES } from '../domain/renditions.js';
import { OPEN_JOB_STATES } from './open-jobs.js';

/** SQL of a purchase `p` of which something is still to come: its end, or its output. */
const UNSETTLED = `(p.state IN ('intended', 'posting', 'known')
  OR (p.state = 'unknown' AND coalesce(p.error->>'code', '') <> 'PURCHASE_UNKNOWN')
  OR (p.state = 'succeeded' AND p.error IS NULL))`;

/** Why the media of a job cannot go yet. */
export type MediaInUse = { by: 'job' } | { by: 'purchase'; ids: string[] } | { by: 'rendition'; ids: string[] };

/** What is at work on a job's media, or undefined. The caller holds the lock on the job's row. */
export async function findMediaUse(trx: Knex, jobId: string): Promise<MediaInUse | undefined> {
  const open: unknown = await trx('jobs')
    .where({ id: jobId })
    .whereIn('status', [...OPEN_JOB_STATES])
    .first('id');
  if (open !== undefined) return { by: 'job' };
  const purchases: string[] = await trx('predictions as p').where('p.job_id', jobId).whereRaw(UNSETTLED).pluck('p.id');
  if (purchases.length > 0) return { by: 'purchase', ids: purchases };
  const renditions = await openRenditions(trx, jobId).pluck('r.id');
  return renditions.length > 0 ? { by: 'rendition', ids: renditions as string[] } : undefined;
}

const openRenditions = (trx: Knex, jobId: string): Knex.QueryBuilder =>
  trx('renditions as r')
    .whereIn('r.status', [...OPEN_RENDITION_STATES])
    .whereRaw(
      `(r.job_id = :jobId
         OR EXISTS (SELECT FROM rendition_sources s WHERE s.rendition_id = r.id AND s.job_id = :jobId))`,
      { jobId },
    );

/** Lets go of all media of a job that nothing is at work on, its exports included; the money stays. Harmless to repeat. */
export async function removeMedia(trx: Knex, jobId: string): Promise<void> {
  await trx('jobs')
    .where({ id: jobId })
    .update({
      video_blob_id: null,
      poster_blob_id: null,
      media_deleted_at: trx.raw('coalesce(media_deleted_at, now())'),
    });
  await trx('video_previews').where({ job_id: jobId }).delete();
  await trx('clips').where({ job_id: jobId }).update({ blob_id: null, prepared_inputs: null });
  await trx('music_pieces').where({ job_id: jobId }).update({ blob_id: null, prepared_inputs: null });
  await trx('predictions').where({ job_id: jobId }).update({ blob_id: null });
  await trx('renditions')
    .where({ job_id: jobId })
    .update({ blob_id: null, media_deleted_at: trx.raw('coalesce(media_deleted_at, now())') });
  await trx('rendition_sources').where({ job_id: jobId }).update({ blob_id: null });
}

/**
 * Jobs whose media have been kept long enough: over since more days than their campaign, or else the deployment, says;
 * or without media already, and what was paid for came later. At most `limit`, the longest over first; after those named.
 */
export async function listExpiredJobs(
  knex: Knex,
  { retentionDays, limit, except }: { retentionDays: number | undefined; limit: number; except: readonly string[] },
): Promise<string[]> {
  return await knex('jobs as j')
    .leftJoin('campaigns as c', 'c.id', 'j.campaign_id')
    .whereNotIn('j.status', [...OPEN_JOB_STATES])
    .whereNotIn('j.id', [...except])
    .whereRaw(
      `CASE WHEN j.media_deleted_at IS NULL
         THEN j.completed_at <= now() - coalesce(c.retention_days, :days::integer) * interval '1 day'
         ELSE EXISTS (SELECT FROM predictions p WHERE p.job_id = j.id AND p.blob_id IS NOT NULL) END`,
      { days: retentionDays ?? null },
    )
    .orderBy('j.completed_at')
    .limit(limit)
    .pluck('j.id');
}

/** Lets go of the media of a job that has expired, unless something is at work on them; says whether it did. */
export async function expireJob(knex: Knex, jobId: string): Promise<boolean> {
  return await knex.transaction(async (trx) => {
    await trx('jobs').where({ id: jobId }).forNoKeyUpdate().first('id');
    if ((await findMediaUse(trx, jobId)) !== undefined) return false;
    await removeMedia(trx, jobId);
    return true;
  });
}

/** Lets go of combinations that were completed more days ago than the deployment keeps media; gives how many. */
export async function expireCombinations(knex: Knex, retentionDays: number | undefined): Promise<number> {
  if (retentionDays === undefined) return 0;
  const expired = await knex('renditions')
    .where({ kind: 'combination' })
    .whereNotIn('status', [...OPEN_RENDITION_STATES])
    .whereNull('media_deleted_at')
    .whereRaw(`completed_at <= now() - ? * interval '1 day'`, [retentionDays])
    .update({ blob_id: null, media_deleted_at: knex.fn.now() })
    .returning<{ id: string }[]>('id' as never);
  const ids = expired.map(({ id }) => id);
  await knex('rendition_sources').whereIn('rendition_id', ids).update({ blob_id: null });
  return ids.length;
}
