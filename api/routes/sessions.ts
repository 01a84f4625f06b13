/** Sessions: what a browser holds in the place of a key. */
import { endSessions, openSession } from '../../storage/sessions.js';
import { sendData } from '../answers.js';
import { holderOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { endedSessionsJson, sessionJson } from '../schemas/sessions.schema.js';
import { clearSessionCookie, setSessionCookie } from '../session-cookie.js';

export const DEFAULT_SESSION_SECONDS = 5 * 24 * 60 * 60;

export function sessionRoutes({ knex, config, sessionTokens }: ApiDeps): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/sessions`,
      operation: 'openSession',
      tag: 'Sessions',
      summary: 'Exchange a key for a session of 5 days',
      description:
        'The answer sets a cookie that opens what the key opens, also where a browser loads a video by itself; its token ' +
        'does the same as Authorization: Bearer. The session ends with its key. Not idempotent: the token is kept nowhere.',
      access: 'key-alone',
      success: { status: 201, body: { kind: 'data', schema: sessionJson } },
      async handle(ctx) {
        const { keyId, ownerId } = holderOf(ctx);
        const { id, expiresAt } = await openSession(knex, keyId, config.sessionSeconds ?? DEFAULT_SESSION_SECONDS);
        const token = await sessionTokens.sign({ subject: ownerId, id, expiresAt });
        setSessionCookie(ctx, token, expiresAt);
        sendData(ctx, { id, token, expiresAt: expiresAt.toISOString() }, { status: 201 });
      },
    }),
    defineRoute({
      method: 'delete',
      path: `${API_PREFIX}/sessions`,
      operation: 'endSessions',
      tag: 'Sessions',
      summary: 'End the session that the request came with; with a key, end all sessions of that key',
      access: 'key',
      success: { status: 200, body: { kind: 'data', schema: endedSessionsJson } },
      async handle(ctx) {
        const ended = await endSessions(knex, holderOf(ctx).keyId, ctx.state.sessionId);
        clearSessionCookie(ctx);
        sendData(ctx, { ended });
      },
    }),
  ];
}
