import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../storage/database.js';
import { type RunningApi, startApi } from '../../test/support/running-api.js';
import { createApp } from '../app.js';
import { serve } from '../serve.js';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

test('a database that is away is told as 503 NOT_READY, and its address stays in the log', async () => {
  const { key } = await api.caller('Anna');
  // Nothing listens on port 1.
  const away = openDatabase('postgres://reelwright:a-password@127.0.0.1:1/reelwright');
  const server = await serve(createApp({ ...api.deps, knex: away.knex }), { host: '127.0.0.1', port: 0 });
  try {
    const response = await fetch(`${server.url}/api/v3/clients`, { headers: { 'x-api-key': key } });
    const text = await response.text();
    expect(response.status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ data: null, error: { code: 'NOT_READY' } });
    expect(text).not.toContain('127.0.0.1');
  } finally {
    await server.stop(1_000);
    await away.close();
  }
});
