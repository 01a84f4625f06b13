import { ERRORS, ReelwrightError } from '../../domain/errors.js';
import { isDatabaseUnreachable } from '../../storage/unreachable.js';
import { type ErrorBody, sendError } from '../answers.js';
import { ClientLeft } from '../client-left.js';
import type { ApiContext, ApiMiddleware } from '../context.js';

/** The one place where an error becomes an answer. What is not ours, or is our own fault, is logged and told as INTERNAL. */
export const errorHandler: ApiMiddleware = async (ctx, next) => {
  try {
    await next();
  } catch (error) {
    if (error instanceof ClientLeft) {
      ctx.respond = false;
      ctx.res.destroy();
      return;
    }
    if (ctx.headerSent) {
      ctx.state.log.error({ err: error }, 'the answer broke off');
      ctx.res.destroy();
      return;
    }
    answerError(ctx, error);
  }
};

function answerError(ctx: ApiContext, error: unknown): void {
  const told = errorBody(error);
  const { status } = ERRORS[told.code];
  if (status >= 500) ctx.state.log.error({ err: error, code: told.code }, 'the request failed');
  if (status === 401) ctx.set('WWW-Authenticate', 'Bearer');
  const retryAfterMs = error instanceof ReelwrightError ? error.retryAfterMs : undefined;
  if (retryAfterMs !== undefined) ctx.set('Retry-After', String(Math.ceil(retryAfterMs / 1000)));
  clearHeaders(ctx);
  (ctx.state.sendFailure ?? sendError)(ctx, told);
}

/** What was set for another answer, of bytes or of a thing that was made, must not be said of a failure. */
function clearHeaders(ctx: ApiContext): void {
  for (const header of ['Content-Disposition', 'Content-Length', 'ETag', 'Last-Modified', 'Location'])
    ctx.remove(header);
  ctx.set('Cache-Control', 'no-store');
}

function errorBody(error: unknown): ErrorBody {
  if (isDatabaseUnreachable(error)) return NOT_READY;
  if (!(error instanceof ReelwrightError) || ERRORS[error.code].status === 500) return INTERNAL;
  const { code, message, details } = error;
  // Details of a failure on our side are for the log, but for what readiness names.
  const shown = details !== undefined && (ERRORS[code].status < 500 || code === 'NOT_READY');
  return shown ? { code, message, details } : { code, message };
}

const NOT_READY: ErrorBody = {
  code: 'NOT_READY',
  message: 'the database cannot be reached at the moment; try again',
};

const INTERNAL: ErrorBody = {
  code: 'INTERNAL',
  message: 'something went wrong on our side; tell us the request id',
};
