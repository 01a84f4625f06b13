import Router from '@koa/router';
import { ReelwrightError } from '../domain/errors.js';
import type { ApiContext, ApiMiddleware, ApiState } from './context.js';
import type { ApiDeps } from './deps.js';
import { authenticate } from './middleware/authenticate.js';
import { readJson } from './read-body.js';
import type { Route } from './route.js';
import { validate } from './validation.js';

export const DEFAULT_MAX_JSON_BYTES = 1024 * 1024;

/** A router that checks each route's access and input before its handler sees the request. */
export function mountRoutes(routes: readonly Route[], deps: ApiDeps): Router<ApiState> {
  const router = new Router<ApiState>();
  const maxJsonBytes = deps.config.maxJsonBytes ?? DEFAULT_MAX_JSON_BYTES;
  const withKey = authenticate(deps);
  const withKeyOrToken: ApiMiddleware = async (ctx, next) => {
    // A token is checked by the handler, which knows for which asset it must be.
    if (tokenOf(ctx) === undefined) await withKey(ctx, next);
    else await next();
  };
  const open: ApiMiddleware = async (_ctx, next) => await next();
  const access = { key: withKey, 'key-or-token': withKeyOrToken, signature: open, open };
  for (const route of routes) {
    router[route.method](route.path, access[route.access], async (ctx) => {
      await route.handle(ctx, (await readInput(ctx, route, maxJsonBytes)) as never);
    });
  }
  return router;
}

/** The token of a temporary link, or undefined where the link has none. */
export function tokenOf(ctx: ApiContext): string | undefined {
  const token = ctx.query['token'];
  return typeof token === 'string' && token !== '' ? token : undefined;
}

async function readInput(
  ctx: ApiContext,
  route: Route,
  maxJsonBytes: number,
): Promise<{ params: unknown; query: unknown; body: unknown }> {
  const params = route.params?.safeParse(ctx.params);
  if (params?.success === false) throw new ReelwrightError('NOT_FOUND', `there is nothing at ${ctx.path}`);
  const query = route.query === undefined ? undefined : validate(route.query, ctx.query);
  let body: unknown;
  if (route.json !== undefined) {
    const parsed = await readJson(ctx, maxJsonBytes);
    route.screen?.(parsed);
    body = validate(route.json, parsed);
  }
  return { params: params?.data, query, body };
}
