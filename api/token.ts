import type { ApiContext } from './context.js';

/** The token of a link, or undefined where the address has none. */
export function tokenOf(ctx: ApiContext): string | undefined {
  const token = ctx.query['token'];
  return typeof token === 'string' && token !== '' ? token : undefined;
}
