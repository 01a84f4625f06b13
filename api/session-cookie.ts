/** The cookie that carries a session's token. */
import type { ApiContext } from './context.js';

export const SESSION_COOKIE = 'reelwright_session';

export const sessionCookie = (ctx: ApiContext): string => ctx.cookies.get(SESSION_COOKIE) ?? '';

/** No script reads it, no other site's page sends it with what it embeds or posts. */
export function setSessionCookie(ctx: ApiContext, token: string, expiresAt: Date): void {
  setCookie(ctx, token, expiresAt);
}

export function clearSessionCookie(ctx: ApiContext): void {
  setCookie(ctx, '', new Date(0));
}

function setCookie(ctx: ApiContext, value: string, expires: Date): void {
  const secure = !isLocal(ctx);
  // TLS ends in front of the api: whether the browser's connection has it cannot be seen here.
  ctx.cookies.secure = secure;
  ctx.cookies.set(SESSION_COOKIE, value, { expires, secure, httpOnly: true, sameSite: 'lax', path: '/' });
}

/** Asked for under a name of this machine, and not through a proxy that says so. */
function isLocal(ctx: ApiContext): boolean {
  const proxied = ['Forwarded', 'X-Forwarded-Host', 'X-Forwarded-Proto'].some((header) => ctx.get(header) !== '');
  return !proxied && /^(localhost|[a-z0-9-]+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(ctx.hostname);
}
