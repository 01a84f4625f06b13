import Router from '@koa/router';
import { ReelwrightError } from '../domain/errors.js';
import { type ApiContext, type ApiMiddleware, type ApiState, holderOf } from './context.js';
import type { ApiDeps } from './deps.js';
import { answerOnce, idempotencyKeyOf, type UnitOfWork } from './idempotency.js';
import { authenticate } from './middleware/authenticate.js';
import { readJson } from './read-body.js';
import type { Route } from './route.js';
import { tokenOf } from './token.js';
import { validate } from './validation.js';

export const DEFAULT_MAX_JSON_BYTES = 1024 * 1024;

/** A router that checks each route's access and input before its handler sees the request. */
export function mountRoutes(routes: readonly Route[], deps: ApiDeps): Router<ApiState> {
  const router = new Router<ApiState>();
  const maxJsonBytes = deps.config.maxJsonBytes ?? DEFAULT_MAX_JSON_BYTES;
  const withKey = authenticate(deps);
  const withKeyOrToken: ApiMiddleware = async (ctx, next) => {
    // A token is checked by the handler, which knows what it must be for.
    if (tokenOf(ctx) === undefined) await withKey(ctx, next);
    else await next();
  };
  const open: ApiMiddleware = async (_ctx, next) => await next();
  const withAdminKey: ApiMiddleware = (ctx, next) =>
    withKey(ctx, async () => {
      requireAdmin(ctx);
      await next();
    });
  const access = {
    key: withKey,
    'key-alone': authenticate(deps, { keyOnly: true }),
    admin: withAdminKey,
    'key-or-token': withKeyOrToken,
    'key-or-link': withKeyOrToken,
    signature: open,
    open,
  };
  for (const route of routes) {
    router[route.method](route.path, named(route), failuresOf(route), access[route.access], async (ctx) => {
      const key = route.idempotent === true ? idempotencyKeyOf(ctx) : undefined;
      const { json, ...input } = await readInput(ctx, route, maxJsonBytes);
      if (key !== undefined) ctx.state.idempotency = { key, route: addressOf(route, input.params) };
      await run(ctx, deps, route, input, json);
    });
  }
  return router;
}

/** Routes whose `id` is a job's. */
const OF_JOB = /\/(jobs|videos)\/:id(\/|$)/;

const named =
  ({ path }: Route): ApiMiddleware =>
  async (ctx, next) => {
    ctx.state.route = path;
    const { id } = ctx.params;
    if (id !== undefined && OF_JOB.test(path)) ctx.state.jobId = id;
    await next();
  };

interface Input {
  params: unknown;
  query: unknown;
  body: unknown;
}

async function run(ctx: ApiContext, deps: ApiDeps, route: Route, input: Input, json: unknown): Promise<void> {
  const prepare = async (): Promise<unknown> => await route.prepare?.(ctx, input as never);
  const answer = async (unit: UnitOfWork, prepared: unknown): Promise<void> =>
    await route.handle(ctx, { ...input, ...unit, prepared } as never);
  if (route.idempotent === true && route.rawBody === undefined) {
    const complete = (data: unknown): unknown => (route.complete === undefined ? data : route.complete(data as never));
    await answerOnce(ctx, deps, { fingerprint: () => json, prepare, answer, complete });
    return;
  }
  const following: (() => Promise<void>)[] = [];
  await answer({ db: deps.knex, afterCommit: (work) => void following.push(work) }, await prepare());
  for (const work of following) await work();
}

/** E.g. `POST /api/v3/jobs/01890a5d-ac96-774b-bcce-b302099a8057/actions`. */
function addressOf(route: Route, params: unknown): string {
  const values = (params ?? {}) as Record<string, unknown>;
  return `${route.method.toUpperCase()} ${route.path.replace(/:(\w+)/g, (_, name: string) => String(values[name]))}`;
}

function requireAdmin(ctx: ApiContext): void {
  if (holderOf(ctx).admin) return;
  throw new ReelwrightError('FORBIDDEN', 'expected the key of an admin, got one without that right');
}

/** Whatever fails from here on is told in the route's own way. */
function failuresOf({ success }: Route): ApiMiddleware {
  const { body } = success;
  return async (ctx, next) => {
    if (body.kind === 'page') ctx.state.sendFailure = body.sendFailure;
    await next();
  };
}

/** `json` is the body as it came, `body` as the schema gives it out. */
async function readInput(ctx: ApiContext, route: Route, maxJsonBytes: number): Promise<Input & { json: unknown }> {
  const params = route.params?.safeParse(ctx.params);
  if (params?.success === false) throw new ReelwrightError('NOT_FOUND', `there is nothing at ${ctx.path}`);
  const query = route.query === undefined ? undefined : validate(route.query, ctx.query);
  if (route.json === undefined) return { params: params?.data, query, body: undefined, json: undefined };
  const json = await readJson(ctx, maxJsonBytes);
  route.screen?.(json);
  return { params: params?.data, query, body: validate(route.json, json), json };
}
