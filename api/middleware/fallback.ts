import { ReelwrightError } from '../../domain/errors.js';
import type { ApiMiddleware } from '../context.js';

/** Says in the envelope what the router says in a bare status: no such route, or not with this method. */
export const fallback: ApiMiddleware = async (ctx, next) => {
  await next();
  if (ctx.respond === false || (ctx.body !== undefined && ctx.body !== null)) return;
  if (ctx.status === 404) throw new ReelwrightError('NOT_FOUND', `there is nothing at ${ctx.path}`);
  if (ctx.status === 405 || ctx.status === 501) {
    const allowed = ctx.response.get('Allow');
    throw new ReelwrightError(
      'METHOD_NOT_ALLOWED',
      `expected ${allowed === '' ? 'DELETE, GET, HEAD, PATCH or POST' : allowed} at ${ctx.path}, got ${ctx.method}`,
      { details: { allowed: allowed === '' ? [] : allowed.split(', ') } },
    );
  }
};
