import { ReelwrightError } from '../../domain/errors.js';
import { findKeyHolder } from '../../storage/owners-repository.js';
import type { ApiContext, ApiMiddleware } from '../context.js';
import type { ApiDeps } from '../deps.js';

/** Demands a valid key in `X-API-Key` or `Authorization: Bearer`; throws UNAUTHENTICATED otherwise. */
export function authenticate({ knex }: Pick<ApiDeps, 'knex'>): ApiMiddleware {
  return async (ctx, next) => {
    const key = givenKey(ctx);
    if (key === '') {
      throw new ReelwrightError('UNAUTHENTICATED', 'expected a key in X-API-Key or Authorization: Bearer, got none');
    }
    const holder = await findKeyHolder(knex, key);
    if (holder === undefined) {
      throw new ReelwrightError('UNAUTHENTICATED', 'the key is unknown, revoked or expired');
    }
    ctx.state.holder = holder;
    await next();
  };
}

function givenKey(ctx: ApiContext): string {
  const key = ctx.get('X-API-Key').trim();
  if (key !== '') return key;
  return /^Bearer +(\S+) *$/i.exec(ctx.get('Authorization'))?.[1] ?? '';
}
