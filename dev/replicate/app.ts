/** The HTTP surface: which routes there are, who may use them, and how a failure is told. */
import Router from '@koa/router';
import Koa, { type Context, type Next } from 'koa';
import type { Parts } from './parts.js';
import { internalError, notFound, Problem, unauthenticated } from './problems.js';
import { createAccountRoutes } from './routes/account.js';
import { createDeliveryRoutes } from './routes/delivery.js';
import { createFileDownloadRoutes, createFileRoutes } from './routes/files.js';
import { createLocalRoutes } from './routes/local.js';
import { createPredictionRoutes } from './routes/predictions.js';

/** Any token that is not empty is this provider's one account. */
function requireToken(context: Context, next: Next): Promise<unknown> {
  if (!/^(Bearer|Token)\s+\S+$/i.test(context.get('authorization'))) throw unauthenticated();
  return next();
}

function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  const status = (error as { status?: unknown }).status;
  // What the body parser refuses. Its own error carries the raw body and is not passed on.
  if (status === 400) return new Problem(400, { title: 'Bad request', detail: 'The body is not valid JSON.' });
  if (status === 413) return new Problem(413, { title: 'Content Too Large', detail: 'The body is too large.' });
  return undefined;
}

function tellProblems(parts: Parts) {
  return async (context: Context, next: Next) => {
    try {
      await next();
      if (context.status === 404 && context.body === undefined && context.respond !== false) throw notFound();
    } catch (error) {
      const known = problemOf(error);
      if (known === undefined) {
        parts.settings.logger.error({ err: error, method: context.method, path: context.path }, 'a request failed');
      }
      const problem = known ?? internalError();
      context.status = problem.status;
      if (problem.retryAfterSeconds !== undefined) context.set('retry-after', String(problem.retryAfterSeconds));
      context.body = problem.toJSON();
      context.type = 'application/problem+json';
    }
  };
}

export function createApp(parts: Parts): Koa {
  const api = new Router({ prefix: '/v1' });
  api.use(createLocalRoutes(parts).routes());
  api.use(createFileDownloadRoutes(parts).routes());
  api.use(requireToken);
  for (const routes of [createPredictionRoutes(parts), createFileRoutes(parts), createAccountRoutes(parts)]) {
    api.use(routes.routes());
  }

  const app = new Koa();
  app.on('error', (error: NodeJS.ErrnoException) => {
    // A client that goes away in the middle of an answer is no failure of ours.
    if (!['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes(error.code ?? '')) {
      parts.settings.logger.error({ err: error }, 'an answer failed');
    }
  });
  app.use(tellProblems(parts));
  app.use(createLocalRoutes(parts).routes());
  app.use(createDeliveryRoutes(parts).routes());
  app.use(api.routes());
  return app;
}
