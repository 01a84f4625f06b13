import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiKey } from '../storage/owners-repository.js';
import { type Caller, type RunningApi, startApi } from '../test/support/running-api.js';

const MAX_DRAIN_BYTES = 3 * 1024 * 1024;

let api: RunningApi;
let anna: Caller;
beforeAll(async () => {
  api = await startApi({ config: { maxDrainBytes: MAX_DRAIN_BYTES } });
  anna = await api.caller('Anna');
});
afterAll(() => api.stop());

describe('a key', () => {
  test('opens the api in X-API-Key and as a bearer token', async () => {
    expect((await api.call('/api/v3/clients', { headers: { 'x-api-key': anna.key } })).status).toBe(200);
    expect((await api.call('/api/v3/clients', { headers: { authorization: `Bearer ${anna.key}` } })).status).toBe(200);
    expect((await api.call('/api/v3/clients', { headers: { authorization: `bearer ${anna.key}` } })).status).toBe(200);
  });

  test.each<[string, Record<string, string>]>([
    ['missing', {}],
    ['empty', { 'x-api-key': '' }],
    ['blank', { 'x-api-key': '  ' }],
    ['an empty bearer token', { authorization: 'Bearer ' }],
    ['unknown', { 'x-api-key': `rw_${'A'.repeat(43)}` }],
    ['another scheme', { authorization: 'Basic YTpi' }],
  ])('that is %s is answered with 401 on every route that needs one', async (_what, headers) => {
    for (const [method, path] of [
      ['GET', '/api/v3/clients'],
      ['POST', '/api/v3/clients'],
      ['POST', '/api/v3/campaigns'],
      ['POST', '/api/v3/assets'],
      ['GET', '/api/v3/assets/not-even-an-id/data'],
      ['POST', '/api/v3/jobs'],
      ['GET', '/api/v3/jobs/not-even-an-id'],
      ['GET', '/api/v3/videos/not-even-an-id/combined'],
    ] as const) {
      const answer = await api.call(path, { method, headers });
      expect(answer.status).toBe(401);
      expect(answer.error?.code).toBe('UNAUTHENTICATED');
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  test('that is expired or revoked is answered with 401', async () => {
    const { knex } = api.database;
    const expired = await createApiKey(knex, { owner: 'Anna', expiresInDays: 1 });
    const revoked = await createApiKey(knex, { owner: 'Anna' });
    const status = async (key: string) => (await api.call('/api/v3/clients', { headers: { 'x-api-key': key } })).status;
    expect([await status(expired.key), await status(revoked.key)]).toEqual([200, 200]);
    await knex('api_keys')
      .where({ id: expired.id })
      .update({ expires_at: knex.raw(`now() - interval '1 second'`) });
    await knex('api_keys').where({ id: revoked.id }).update({ revoked_at: knex.fn.now() });
    expect([await status(expired.key), await status(revoked.key)]).toEqual([401, 401]);
  });
});

describe('every answer', () => {
  test('has the id that its request chose, where that is sane, in the body and in the header', async () => {
    const chosen = await anna.get('/api/v3/clients', { 'x-request-id': 'trace-1:2.3_4' });
    expect([chosen.meta.requestId, chosen.headers.get('x-request-id')]).toEqual(['trace-1:2.3_4', 'trace-1:2.3_4']);
    for (const bad of ['a b', 'x'.repeat(101), '{"a":1}']) {
      const answer = await anna.get('/api/v3/clients', { 'x-request-id': bad });
      expect(answer.meta.requestId).toMatch(/^[0-9a-f-]{36}$/);
      expect(answer.headers.get('x-request-id')).toBe(answer.meta.requestId);
    }
  });

  test('is logged with its method, path and status, and without its query', async () => {
    await anna.get('/api/v3/clients?page=7', { 'x-request-id': 'logged-one' });
    await expect.poll(() => api.log()).toContain('logged-one');
    const line = api
      .log()
      .split('\n')
      .find((text) => text.includes('logged-one'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      method: 'GET',
      path: '/api/v3/clients',
      status: 200,
      ownerId: anna.ownerId,
    });
    expect(line).not.toContain('page=7');
  });

  test('to an unknown path is a 404 in the envelope, with or without a key', async () => {
    for (const answer of [await anna.get('/api/v3/nothing'), await api.call('/nothing'), await api.call('/')]) {
      expect(answer.status).toBe(404);
      expect(answer.error?.code).toBe('NOT_FOUND');
    }
  });

  test('to a known path with another method is a 405 that names those allowed', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      const answer = await api.call('/api/v3/clients', { method });
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'HEAD', 'POST']);
      expect(answer.error).toMatchObject({ code: 'METHOD_NOT_ALLOWED' });
    }
    const options = await fetch(`${api.url}/api/v3/clients`, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')?.split(', ').sort()]).toEqual([200, ['GET', 'HEAD', 'POST']]);
  });

  test('to a failure of ours is a 500 without details, which are in the log under the id of the request', async () => {
    const failing = await startApi({ deps: () => ({ jobStarter: { start: () => Promise.resolve() } }) });
    try {
      const caller = await failing.caller('Anna');
      await failing.database.knex.schema.renameTable('clients', 'clients_gone');
      const answer = await caller.get('/api/v3/clients', { 'x-request-id': 'broken-one' });
      expect(answer.status).toBe(500);
      expect(answer.error).toEqual({
        code: 'INTERNAL',
        message: 'something went wrong on our side; tell us the request id',
      });
      const logged = failing
        .log()
        .split('\n')
        .find((text) => text.includes('"level":50'));
      expect(JSON.parse(logged ?? '{}')).toMatchObject({
        requestId: 'broken-one',
        err: { message: expect.stringContaining('clients') },
      });
    } finally {
      await failing.stop();
    }
  });
});

describe('a refused body', () => {
  test('of megabytes is read on, so that a client that writes first and reads then gets its answer', async () => {
    const answer = await writeAllThenRead(2 * 1024 * 1024);
    expect(answer).toContain('HTTP/1.1 401');
    expect(answer).toContain('UNAUTHENTICATED');
  });

  test('without end is cut off, and not before it was read for a while', async () => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    const ended = new Promise((closed) => socket.on('close', closed));
    socket.on('error', () => socket.destroy());
    socket.resume();
    const endless = `Content-Length: ${1024 ** 4}`;
    socket.write(`POST /api/v3/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${endless}\r\n\r\n`);
    const write = (): void => {
      while (!socket.destroyed && socket.write(Buffer.alloc(64 * 1024)));
    };
    socket.on('drain', write);
    write();
    await ended;
    expect(socket.bytesWritten).toBeGreaterThan(MAX_DRAIN_BYTES);
  });

  test('does not disturb the next request of its connection', async () => {
    const body = 'x'.repeat(1_500_000);
    const refused = await anna.post('/api/v3/jobs', body);
    expect(refused.status).toBe(413);
    expect((await anna.get('/api/v3/clients')).status).toBe(200);
  });
});

/** One request without a key over a bare socket that reads nothing before everything is written. */
async function writeAllThenRead(bytes: number): Promise<string> {
  const { port } = new URL(api.url);
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  socket.pause();
  const head = `POST /api/v3/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${bytes}\r\n\r\n`;
  await new Promise<void>((done, failed) => {
    socket.on('error', failed);
    socket.write(head);
    socket.write(Buffer.alloc(bytes, 'x'), (error) => (error ? failed(error) : done()));
  });
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.resume();
  await expect.poll(() => text).toContain('}}');
  socket.destroy();
  return text;
}
