/** Links that show one job's present video to whoever holds them. A link belongs to its job, and so to the job's owner. */
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { ReelwrightError } from '../domain/errors.js';
import type { Page } from './jobs-repository.js';
import { listPage } from './list-page.js';
import { inSeconds } from './signed-tokens.js';

export interface VideoLinkRecord {
  id: string;
  jobId: string;
  name: string | null;
  createdAt: Date;
  /** Whole seconds. */
  expiresAt: Date;
  revokedAt: Date | null;
  /** Viewings that began: see `noteViewing`. */
  viewCount: number;
  lastViewedAt: Date | null;
}

const COLUMNS = {
  id: 'l.id',
  jobId: 'l.job_id',
  name: 'l.name',
  createdAt: 'l.created_at',
  expiresAt: 'l.expires_at',
  revokedAt: 'l.revoked_at',
  viewCount: 'l.view_count',
  lastViewedAt: 'l.last_viewed_at',
};

export interface NewVideoLink {
  jobId: string;
  /** For its owner's eyes alone. */
  name?: string | undefined;
  expiresInSeconds: number;
}

export async function insertVideoLink(
  knex: Knex,
  { jobId, name, expiresInSeconds }: NewVideoLink,
): Promise<VideoLinkRecord> {
  const id = uuidv7();
  await knex('video_links').insert({
    id,
    job_id: jobId,
    name: name ?? null,
    expires_at: inSeconds(expiresInSeconds),
  });
  const link = await findVideoLink(knex, jobId, id);
  if (link === undefined) throw new ReelwrightError('INTERNAL', `expected link ${id}, which was just made`);
  return link;
}

/** A job's links, expired and revoked ones too, the newest first, and how many there are in all. */
export async function listVideoLinks(
  knex: Knex,
  jobId: string,
  page: Page,
): Promise<{ rows: VideoLinkRecord[]; total: number }> {
  return await listPage<VideoLinkRecord>(knex('video_links as l').where('l.job_id', jobId), COLUMNS, page, 'l');
}

/** The job's link, or undefined when it has none of this id. */
export async function findVideoLink(knex: Knex, jobId: string, id: string): Promise<VideoLinkRecord | undefined> {
  return await knex('video_links as l').where({ 'l.id': id, 'l.job_id': jobId }).first(COLUMNS);
}

/** Ends a link of this job, or undefined when it has none of this id. One that was ended before keeps its first date. */
export async function revokeVideoLink(knex: Knex, jobId: string, id: string): Promise<VideoLinkRecord | undefined> {
  await knex('video_links').where({ id, job_id: jobId, revoked_at: null }).update({ revoked_at: knex.fn.now() });
  return await findVideoLink(knex, jobId, id);
}

export interface SeenVideoLink extends VideoLinkRecord {
  expired: boolean;
  /** How long ago this viewer was noted, in seconds; null for one who was not. */
  seenSecondsAgo: number | null;
}

/** A link as one viewer finds it. */
export async function findSeenVideoLink(knex: Knex, id: string, viewer: string): Promise<SeenVideoLink | undefined> {
  return await knex('video_links as l')
    .leftJoin('video_link_viewings as v', (on) => on.on('v.link_id', 'l.id').andOnVal('v.viewer', viewer))
    .where('l.id', id)
    .first({
      ...COLUMNS,
      expired: knex.raw('l.expires_at <= now()') as Knex.Raw<boolean>,
      seenSecondsAgo: knex.raw('extract(epoch FROM now() - v.seen_at)::float8') as Knex.Raw<number>,
    });
}

/**
 * Notes that a viewer is there. Somebody who was not for `forgottenAfterSeconds` begins another viewing, which is counted;
 * whoever else was not is forgotten.
 */
export async function noteViewing(
  knex: Knex,
  { linkId, viewer, forgottenAfterSeconds }: { linkId: string; viewer: string; forgottenAfterSeconds: number },
): Promise<void> {
  await knex.transaction(async (trx) => {
    // One after the other, or two that clean up lock the same rows in another order. Gone with its job: nothing to note.
    const found = await trx('video_links').select('id').where({ id: linkId }).forNoKeyUpdate();
    if (found.length === 0) return;
    await trx('video_link_viewings')
      .where({ link_id: linkId })
      .andWhereRaw(`seen_at < now() - ? * interval '1 second'`, [forgottenAfterSeconds])
      .delete();
    const seen = await trx('video_link_viewings').where({ link_id: linkId, viewer }).update({ seen_at: trx.fn.now() });
    if (seen === 0) await trx('video_link_viewings').insert({ link_id: linkId, viewer });
    await trx('video_links')
      .where({ id: linkId })
      .update({ last_viewed_at: trx.fn.now() })
      .increment('view_count', seen === 0 ? 1 : 0);
  });
}
