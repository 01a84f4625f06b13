import { isReelwrightError, ReelwrightError } from '../../domain/errors.js';
import { findKeyHolder, type KeyHolder } from '../../storage/owners-repository.js';
import { findSessionHolder } from '../../storage/sessions.js';
import type { ApiContext, ApiMiddleware } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { clearSessionCookie, sessionCookie } from '../session-cookie.js';
import { requireSameOrigin } from './same-origin.js';

/** Where a caller says who it is; the answer is another one for another caller. */
const IDENTITY_HEADERS = ['X-API-Key', 'Authorization', 'Cookie'];

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

interface Credential {
  kind: 'key' | 'session';
  value: string;
  from: 'header' | 'cookie';
}

/**
 * Demands a key (`X-API-Key`, `Authorization: Bearer`) or a session's token (`Authorization: Bearer`, the session cookie);
 * throws UNAUTHENTICATED otherwise, and FORBIDDEN for what another site's page does with the cookie. `keyOnly` takes no
 * session. No cache that callers share may keep the answer.
 */
export function authenticate(
  { knex, sessionTokens }: Pick<ApiDeps, 'knex' | 'sessionTokens'>,
  { keyOnly = false }: { keyOnly?: boolean } = {},
): ApiMiddleware {
  return async (ctx, next) => {
    ctx.vary(IDENTITY_HEADERS);
    ctx.set('Cache-Control', 'private, no-store');
    const given = credentialOf(ctx);
    if (given === undefined || (keyOnly && given.kind === 'session')) {
      const expected = keyOnly ? 'a key' : 'a key or a session';
      throw new ReelwrightError(
        'UNAUTHENTICATED',
        `expected ${expected} in X-API-Key or Authorization: Bearer, got ${given?.kind ?? 'none'}`,
      );
    }
    const { holder, sessionId } = await holderOf(given);
    if (holder === undefined) {
      // It opens nothing any more: the browser need not send it again.
      if (given.from === 'cookie') clearSessionCookie(ctx);
      throw new ReelwrightError('UNAUTHENTICATED', `the ${given.kind} is unknown, revoked or expired`);
    }
    if (given.from === 'cookie') requireSameOrigin(ctx);
    ctx.state.holder = holder;
    if (sessionId !== undefined) ctx.state.sessionId = sessionId;
    await next();
  };

  async function holderOf({
    kind,
    value,
  }: Credential): Promise<{ holder?: KeyHolder | undefined; sessionId?: string }> {
    if (kind === 'key') return { holder: await findKeyHolder(knex, value) };
    try {
      const { id: sessionId } = await sessionTokens.verify(value);
      return { holder: await findSessionHolder(knex, sessionId), sessionId };
    } catch (error) {
      if (isReelwrightError(error, 'UNAUTHENTICATED')) return {};
      throw error;
    }
  }
}

/** The first of the places that holds something: an empty key is none. */
function credentialOf(ctx: ApiContext): Credential | undefined {
  const key = ctx.get('X-API-Key').trim();
  if (key !== '') return { kind: 'key', value: key, from: 'header' };
  const bearer = /^Bearer +(\S+) *$/i.exec(ctx.get('Authorization'))?.[1];
  if (bearer !== undefined) return { kind: JWT.test(bearer) ? 'session' : 'key', value: bearer, from: 'header' };
  const cookie = sessionCookie(ctx);
  return cookie === '' ? undefined : { kind: 'session', value: cookie, from: 'cookie' };
}
