import { Client, type Connection } from '@temporalio/client';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { type RunningApi, startApi } from '../../test/support/running-api.js';
import { databaseCheck, temporalCheck } from '../health-checks.js';
import { lazyTemporalConnection } from '../temporal-connection.js';

let api: RunningApi | undefined;
afterEach(() => api?.stop());

const connections: Connection[] = [];
afterEach(async () => {
  for (const connection of connections.splice(0)) await connection.close();
});

const temporalAt = (address: string): Client => {
  const connection = lazyTemporalConnection({ address });
  connections.push(connection);
  return new Client({ connection, namespace: inject('temporal').namespace });
};

const start = async (address: string): Promise<RunningApi> =>
  await startApi({ deps: ({ knex }) => ({ healthChecks: [databaseCheck(knex), temporalCheck(temporalAt(address))] }) });

describe('health', () => {
  test('is live and ready while all parts are there, and needs no key', async () => {
    api = await start(inject('temporal').address);
    expect((await api.call('/health/live')).data).toEqual({ status: 'live' });
    const ready = await api.call('/health/ready');
    expect(ready.status).toBe(200);
    expect(ready.data).toEqual({ status: 'ready', parts: { database: 'ready', temporal: 'ready' } });
  });

  test('is live and not ready without Temporal, and names what is missing', async () => {
    api = await start('127.0.0.1:1');
    expect((await api.call('/health/live')).status).toBe(200);
    const ready = await api.call('/health/ready');
    expect(ready.status).toBe(503);
    expect(ready.error).toMatchObject({
      code: 'NOT_READY',
      message: 'missing: temporal',
      details: { parts: { database: 'ready', temporal: 'missing' } },
    });
  });

  test('is live and not ready while the database lacks a migration', async () => {
    api = await start(inject('temporal').address);
    await api.database.knex('knex_migrations').where({ name: '0004-ledger' }).delete();
    expect((await api.call('/health/live')).status).toBe(200);
    const ready = await api.call('/health/ready');
    expect(ready.status).toBe(503);
    expect(ready.error?.message).toBe('missing: database');
  });
});
