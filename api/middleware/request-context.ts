import { randomUUID } from 'node:crypto';
import { context } from '@opentelemetry/api';
import type { ApiContext, ApiMiddleware } from '../context.js';
import type { ApiDeps } from '../deps.js';

/** What a caller may choose as the id of its request: safe in a header, a log line and a support mail. */
const SANE_ID = /^[A-Za-z0-9._:-]{1,100}$/;

/** The path as log lines show it: what opens a door by itself must not stand in one. */
const shownPath = (ctx: ApiContext): string => ctx.path;

/**
 * Gives every request an id (the caller's own where it is sane), a logger that writes it, and a log line at its end.
 * The line holds the path without its query, where tokens stand.
 */
export function requestContext({ logger, clock }: Pick<ApiDeps, 'logger' | 'clock'>): ApiMiddleware {
  return async (ctx, next) => {
    const given = ctx.get('X-Request-Id');
    const requestId = SANE_ID.test(given) ? given : randomUUID();
    const log = logger.child({ requestId });
    const started = performance.now();
    ctx.state.requestId = requestId;
    ctx.state.log = log;
    ctx.state.now = clock ?? (() => new Date());
    ctx.set('X-Request-Id', requestId);
    const end = (): void => {
      const line = {
        method: ctx.method,
        path: shownPath(ctx),
        route: ctx.state.route,
        jobId: ctx.state.jobId,
        status: ctx.res.statusCode,
        milliseconds: Math.round(performance.now() - started),
        ownerId: ctx.state.holder?.ownerId,
        // The client left, or the answer broke off.
        complete: ctx.res.writableFinished,
      };
      if (ctx.path.startsWith('/health/')) log.debug(line, 'request');
      else log.info(line, 'request');
    };
    // The event comes from the socket, outside of the request's trace.
    ctx.res.once('close', context.bind(context.active(), end));
    await next();
  };
}
