import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSignedTokens } from '../../storage/signed-tokens.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import { makeLink, shareableVideo, tokenIn } from '../../test/support/shared-videos.js';

const CONTENT = randomBytes(100_000);
const DAY_MS = 24 * 60 * 60 * 1000;
const SESSIONS = '/api/v3/sessions';
const JOBS = '/api/v3/jobs';

let api: RunningApi;
let anna: Caller;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
});
afterAll(() => api.stop());

interface SessionRow {
  id: string;
  token: string;
  expiresAt: string;
}

const open = async (caller: Caller = anna): Promise<SessionRow> =>
  (await caller.post<SessionRow>(SESSIONS, undefined)).data;
const cookie = (token: string): Record<string, string> => ({ cookie: `theme=dark; reelwright_session=${token}` });
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const status = async (headers: Record<string, string>, path = JOBS): Promise<number> =>
  (await api.call(path, { headers })).status;

/** With headers that fetch keeps to itself. */
async function asked(method: string, path: string, headers: Record<string, string>) {
  const call = request(api.url + path, { method, headers, agent: false });
  call.end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return { status: response.statusCode, cookies: response.headers['set-cookie'], body: await text(response) };
}

describe('a session', () => {
  test('is given for a key, for 5 days, as a token and as a cookie that no script reads', async () => {
    for (const headers of [{ 'x-api-key': anna.key }, bearer(anna.key)]) {
      const answer = await api.call<SessionRow>(SESSIONS, { method: 'POST', headers });
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([201, 'private, no-store']);
      const { token, expiresAt } = answer.data;
      expect((Date.parse(expiresAt) - Date.now()) / DAY_MS).toBeCloseTo(5, 3);
      expect(answer.headers.get('set-cookie')).toBe(
        `reelwright_session=${token}; path=/; expires=${new Date(expiresAt).toUTCString()}; samesite=lax; httponly`,
      );
    }
  });

  test.each<[string, boolean, Record<string, string>]>([
    ['reel.example.com', true, {}],
    ['127.0.0.1.example.com', true, {}],
    ['localhost.example.com:8080', true, {}],
    ['192.168.1.5:8080', true, {}],
    ['localhost:8080', false, {}],
    ['app.localhost', false, {}],
    ['127.0.0.1', false, {}],
    ['[::1]:8080', false, {}],
    ['localhost:8080', true, { 'x-forwarded-proto': 'https' }],
    ['127.0.0.1', true, { 'x-forwarded-host': 'reel.example.com' }],
    ['127.0.0.1', true, { forwarded: 'host=reel.example.com' }],
  ])('asked for at %s has a cookie with Secure: %s', async (host, secure, headers) => {
    const { cookies } = await asked('POST', SESSIONS, { host, 'x-api-key': anna.key, ...headers });
    expect(cookies?.length).toBe(1);
    expect(/; secure/i.test(cookies?.[0] ?? '')).toBe(secure);
    expect(cookies?.[0]).toMatch(/; httponly$/i);
  });

  test('opens what its key opens, by its token or its cookie, the bytes of a video too', async () => {
    const jobId = await shareableVideo(api, anna, { content: CONTENT });
    const { token } = await open();
    for (const headers of [bearer(token), cookie(token)]) {
      const answer = await api.call<{ id: string }>(`${JOBS}/${jobId}`, { headers });
      expect([answer.status, answer.data.id]).toEqual([200, jobId]);
      const path = `/api/v3/videos/${jobId}/combined`;
      const part = await fetch(api.url + path, { headers: { ...headers, range: 'bytes=5-9' } });
      expect([part.status, Buffer.from(await part.arrayBuffer())]).toEqual([206, CONTENT.subarray(5, 10)]);
    }
    const ben = await api.caller('Ben');
    expect(await status(cookie((await open(ben)).token), `${JOBS}/${jobId}`)).toBe(404);
  });

  test('has the rights of its key and no others', async () => {
    const admin = await api.caller('Root', { admin: true });
    const path = '/api/v3/admin/purchasing';
    expect(await status(bearer((await open()).token), path)).toBe(403);
    expect(await status(bearer((await open(admin)).token), path)).toBe(200);
  });

  test('ends with a logout, which takes the cookie back; another session of the key goes on', async () => {
    const [first, second] = [await open(), await open()];
    const answer = await api.call(SESSIONS, { method: 'DELETE', headers: cookie(first.token) });
    expect([answer.status, answer.data]).toEqual([200, { ended: 1 }]);
    expect(answer.headers.get('set-cookie')).toMatch(/^reelwright_session=; path=\/; expires=Thu, 01 Jan 1970/);
    expect([await status(cookie(first.token)), await status(bearer(first.token))]).toEqual([401, 401]);
    expect(await status(bearer(second.token))).toBe(200);
    const again = await api.call(SESSIONS, { method: 'DELETE', headers: cookie(first.token) });
    expect([again.status, again.headers.get('set-cookie')]).toEqual([
      401,
      expect.stringMatching(/^reelwright_session=; path=\/; expires=Thu, 01 Jan 1970/),
    ]);
  });

  test('ends with all others of its key when the key asks for that, and not with those of another key', async () => {
    const [first, second] = [await open(), await open()];
    const other = await api.caller('Anna');
    const elsewhere = await open(other);
    expect((await anna.delete(SESSIONS)).status).toBe(200);
    expect([await status(bearer(first.token)), await status(bearer(second.token))]).toEqual([401, 401]);
    expect(await status(bearer(elsewhere.token))).toBe(200);
    expect((await anna.delete(SESSIONS)).data).toEqual({ ended: 0 });
  });

  test('ends with its key, and counts as a use of it', async () => {
    const { knex } = api.database;
    const keyed = async (): Promise<{ key: Caller; token: string; row: { key_id: string } }> => {
      const key = await api.caller('Anna');
      const { id, token } = await open(key);
      return { key, token, row: await knex('sessions').where({ id }).first('key_id') };
    };
    const [revoked, expired] = [await keyed(), await keyed()];
    await knex('api_keys').where({ id: revoked.row.key_id }).update({ last_used_at: null });
    expect([await status(bearer(revoked.token)), await status(bearer(expired.token))]).toEqual([200, 200]);
    expect((await knex('api_keys').where({ id: revoked.row.key_id }).first()).last_used_at).not.toBeNull();
    await knex('api_keys').where({ id: revoked.row.key_id }).update({ revoked_at: knex.fn.now() });
    await knex('api_keys')
      .where({ id: expired.row.key_id })
      .update({ expires_at: knex.raw(`now() - interval '1 second'`) });
    expect([await status(cookie(revoked.token)), await status(cookie(expired.token))]).toEqual([401, 401]);
  });

  test('is over after its time, its row is forgotten with the next one, and its token stands in no table', async () => {
    const short = await startApi({ config: { sessionSeconds: 1 } });
    try {
      const caller = await short.caller('Anna');
      const { token } = await open(caller);
      await expect
        .poll(async () => (await short.call(JOBS, { headers: bearer(token) })).status, { timeout: 10_000 })
        .toBe(401);
      await open(caller);
      expect(await short.countRows('sessions')).toBe(1);
      const kept = JSON.stringify([
        await short.database.knex('sessions'),
        await short.database.knex('idempotency_keys'),
      ]);
      expect(kept).not.toContain(token.split('.')[2]);
    } finally {
      await short.stop();
    }
  });

  test('is begun by a key alone', async () => {
    const { token } = await open();
    for (const headers of [bearer(token), cookie(token), {}, { 'x-api-key': '' }, { 'x-api-key': 'rw_unknown' }]) {
      const answer = await api.call(SESSIONS, { method: 'POST', headers });
      expect([answer.status, answer.headers.get('set-cookie')]).toEqual([401, null]);
    }
  });

  test('is not what another token, another secret or another place makes of it', async () => {
    const jobId = await shareableVideo(api, anna, { content: CONTENT });
    const { id, token } = await open();
    const expiresAt = new Date(Date.now() + DAY_MS);
    const [head, payload, signature = ''] = token.split('.');
    for (const wrong of [
      await createSignedTokens('another secret, 32 characters or more', 'session').sign({
        subject: 'x',
        id,
        expiresAt,
      }),
      await api.deps.sessionTokens.sign({ subject: anna.ownerId, id: jobId, expiresAt }),
      tokenIn((await makeLink(anna, jobId)).url),
      await api.deps.assetLinks.sign(id),
      `${head}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
      `${head}.${payload}.`,
      'a.b.c',
      'abc',
      `${head}.${'A'.repeat(6000)}.${signature}`,
      anna.key.replace('rw_', 'rw.'),
    ]) {
      expect([wrong, await status(bearer(wrong)), await status(cookie(wrong))]).toEqual([wrong, 401, 401]);
    }
    expect(await status({ 'x-api-key': token })).toBe(401);
    expect(await status(cookie(anna.key))).toBe(401);
    // Whoever names a key means it.
    expect(await status({ ...cookie(token), 'x-api-key': 'rw_unknown' })).toBe(401);
    expect(await status({ ...cookie(token), 'x-api-key': '' })).toBe(200);
  });

  test('never reaches the log', async () => {
    const { token } = await open();
    await status(cookie(token));
    await status(bearer(`${token}x`));
    expect(api.log()).toContain(SESSIONS);
    expect(api.log()).not.toContain(token.split('.')[2]);
  });
});

describe("another site's page", () => {
  const SITE = 'reel.example.com';
  const post = async (headers: Record<string, string>) =>
    await asked('POST', '/api/v3/clients', { host: SITE, ...headers });

  test.each<[string, Record<string, string>, boolean]>([
    ['cross-site', { 'sec-fetch-site': 'cross-site' }, false],
    ['of a sister of the host', { 'sec-fetch-site': 'same-site', origin: `https://evil.example.com` }, false],
    ['cross-site under our own name', { 'sec-fetch-site': 'cross-site', origin: `https://${SITE}` }, false],
    ['of a foreign origin', { origin: 'https://evil.example' }, false],
    ['of a foreign port', { origin: `https://${SITE}:8443` }, false],
    ['of no origin', { origin: 'null' }, false],
    ['of the same origin', { 'sec-fetch-site': 'same-origin' }, true],
    ['of the user', { 'sec-fetch-site': 'none' }, true],
    ['of our own origin', { origin: `https://${SITE}` }, true],
    ['of no browser', {}, true],
  ])('a request %s with the cookie', async (_what, headers, passes) => {
    const { token } = await open();
    const refused = JSON.parse((await post({ ...cookie(token), ...headers })).body) as { error: { code: string } };
    // What passes comes as far as its missing body.
    expect(refused.error.code).toBe(passes ? 'UNSUPPORTED_MEDIA_TYPE' : 'FORBIDDEN');
    expect((await post({ ...bearer(token), ...headers })).status).toBe(415);
    expect((await post({ 'x-api-key': anna.key, ...headers })).status).toBe(415);
    const read = await asked('GET', JOBS, { host: SITE, ...cookie(token), ...headers });
    expect(read.status).toBe(200);
    const logout = await asked('DELETE', SESSIONS, { host: SITE, ...cookie(token), ...headers });
    expect(logout.status).toBe(passes ? 200 : 403);
    expect(await status(bearer(token))).toBe(passes ? 401 : 200);
  });
});
