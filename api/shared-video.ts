/** Who may see a job's finished video and its pictures: the owner, and whoever holds a link to it. */
import { ReelwrightError } from '../domain/errors.js';
import { findJob, type JobRecord, readOwnJob } from '../storage/jobs-repository.js';
import { refusal } from '../storage/signed-tokens.js';
import { findSeenVideoLink, noteViewing, type VideoLinkRecord } from '../storage/video-links.js';
import { type ApiContext, ownerOf } from './context.js';
import type { ApiDeps } from './deps.js';
import { tokenOf } from './token.js';

/** How long a viewing goes on at most, in seconds, once its link has expired. */
export const DEFAULT_VIEWING_SECONDS = 4 * 60 * 60;
/** A viewer is noted again when the last note is this old, in seconds: one write for many requests of one viewing. */
const notedAnewAfter = (viewingSeconds: number): number => Math.min(5 * 60, viewingSeconds / 4);

export interface SharedVideo {
  job: JobRecord;
  /** The link that opened it; undefined for its owner. */
  link: VideoLinkRecord | undefined;
}

type Deps = Pick<ApiDeps, 'knex' | 'videoLinks' | 'config'>;

/**
 * The job whose video the request may see. Throws UNAUTHENTICATED for a token that does not open it, NOT_FOUND for a job
 * that is not there or not the caller's.
 *
 * An expired link opens nothing new, no page and no file from its beginning to its end. But whoever watched by it before
 * goes on: the ranges and pictures that a player still asks for are served to viewers that were seen before the expiry, for
 * as long as a viewing may last. A revoked link opens nothing at all.
 */
export async function readSharedVideo(
  ctx: ApiContext,
  { knex, videoLinks, config }: Deps,
  jobId: string,
  use: 'page' | 'picture' | 'video',
): Promise<SharedVideo> {
  const token = tokenOf(ctx);
  if (token === undefined) return { job: await readOwnJob(knex, jobId, ownerOf(ctx)), link: undefined };
  // Not even to ourselves: the address with its token stays where it was opened.
  ctx.set('Referrer-Policy', 'no-referrer');
  // Each request is looked at anew: a link may be revoked, and what it opens depends on who watches.
  delete ctx.state.onBlobAnswer;
  const viewingSeconds = config.viewingSeconds ?? DEFAULT_VIEWING_SECONDS;
  const { linkId, expired } = await videoLinks.verify(token, jobId, viewingSeconds);
  const viewer = videoLinks.viewer(linkId, { address: addressOf(ctx), userAgent: ctx.get('User-Agent') });
  const link = await findSeenVideoLink(knex, linkId, viewer);
  // A link ends with its job.
  if (link === undefined) throw notFound(jobId);
  if (link.revokedAt !== null) throw refusal('revoked');
  const watching = link.seenSecondsAgo !== null && link.seenSecondsAgo < viewingSeconds;
  if (expired && !(watching && goesOn(ctx, use))) throw refusal('expired');
  if (use === 'page' && link.expired) throw refusal('expired');
  const noted = link.seenSecondsAgo !== null && link.seenSecondsAgo < notedAnewAfter(viewingSeconds);
  if (use === 'video' && ctx.method === 'GET' && !link.expired && !noted) {
    await noteViewing(knex, { linkId, viewer, forgottenAfterSeconds: viewingSeconds });
  }
  const job = await findJob(knex, jobId);
  if (job === undefined) throw notFound(jobId);
  return { job, link };
}

/** Players ask for ranges; whoever asks for the whole video begins with it. */
const goesOn = (ctx: ApiContext, use: 'page' | 'picture' | 'video'): boolean =>
  use === 'picture' || (use === 'video' && (ctx.method === 'HEAD' || ctx.get('Range') !== ''));

/**
 * Where the viewer is, as far as can be told: a proxy names it, and balancers of one proxy have many addresses. It tells
 * viewers of one link apart and opens nothing by itself, so a header that anybody can write will do.
 */
const addressOf = (ctx: ApiContext): string => ctx.get('X-Forwarded-For').split(',')[0]?.trim() || ctx.ip;

const notFound = (id: string): ReelwrightError => new ReelwrightError('NOT_FOUND', `there is no job ${id}`);
