/** Conditional requests, RFC 9110 section 13, beyond what Koa's `ctx.fresh` answers (If-None-Match, If-Modified-Since). */
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
      : tags.trim() !== '*' && !tags.split(',').some((tag) => tag.trim() === etag);
  if (failed) {
    throw new ReelwrightError('PRECONDITION_FAILED', `expected ${tags === '' ? since : tags}, there is ${etag}`);
  }
}

/** True where a Range header counts: there is no If-Range, or it names exactly these bytes (a weak tag never does). */
export function rangeApplies(ctx: ApiContext, { etag, lastModified }: Validators): boolean {
  const condition = ctx.get('If-Range').trim();
  return condition === '' || condition === etag || condition === lastModified;
}
