/** Conditional requests, RFC 9110 section 13, in its order: If-Match or If-Unmodified-Since, If-None-Match or If-Modified-Since. */
import { ReelwrightError } from '../domain/errors.js';
import type { ApiContext } from './context.js';

export interface Validators {
  /** A strong entity tag, quotes included. */
  etag: string;
  /** As in the header: whole seconds. */
  lastModified: string;
}

/** Throws PRECONDITION_FAILED when the client asks for another representation than there is. */
export function checkPreconditions(ctx: ApiContext, { etag, lastModified }: Validators): void {
  const tags = ctx.get('If-Match');
  const since = ctx.get('If-Unmodified-Since');
  const failed =
    tags === ''
      ? since !== '' && Date.parse(lastModified) > Date.parse(since)
      : // A weak tag never matches here.
        tags.trim() !== '*' && !listed(tags).includes(etag);
  if (failed) {
    throw new ReelwrightError('PRECONDITION_FAILED', `expected ${tags === '' ? since : tags}, there is ${etag}`);
  }
}

/** True where a Range header counts: there is no If-Range, or it names exactly these bytes (a weak tag never does). */
export function rangeApplies(ctx: ApiContext, { etag, lastModified }: Validators): boolean {
  const condition = ctx.get('If-Range').trim();
  return condition === '' || condition === etag || condition === lastModified;
}

/** True where the client has these bytes already: If-None-Match by weak comparison, or else If-Modified-Since. */
export function isUnchanged(ctx: ApiContext, { etag, lastModified }: Validators): boolean {
  const tags = ctx.get('If-None-Match');
  if (tags !== '') return tags.trim() === '*' || listed(tags).some((tag) => tag.replace(/^W\//, '') === etag);
  const since = ctx.get('If-Modified-Since');
  return since !== '' && Date.parse(lastModified) <= Date.parse(since);
}

/** Our own tags hold no comma, so that one within a foreign tag tears nothing apart that could match. */
const listed = (tags: string): string[] => tags.split(',').map((tag) => tag.trim());
