import { ReelwrightError } from '../../domain/errors.js';
import type { ApiContext } from '../context.js';

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Throws FORBIDDEN for a request that changes something and that another site's page made. A browser says where a request
 * comes from in Sec-Fetch-Site, an older one in Origin; what says neither is no browser's cross-site request. The rules are
 * those of Go's http.CrossOriginProtection (https://pkg.go.dev/net/http#CrossOriginProtection).
 */
export function requireSameOrigin(ctx: ApiContext): void {
  if (SAFE_METHODS.includes(ctx.method)) return;
  const site = ctx.get('Sec-Fetch-Site');
  const origin = ctx.get('Origin');
  if (site === '' ? origin === '' || hostOf(origin) === ctx.host : site === 'same-origin' || site === 'none') return;
  throw new ReelwrightError(
    'FORBIDDEN',
    `expected a request of this origin, or one with a key, got one of ${site === '' ? origin : `a ${site} page`} by cookie`,
  );
}

/** E.g. `null`, where a page has no origin that it would tell. */
const hostOf = (origin: string): string => (URL.canParse(origin) ? new URL(origin).host : '');
