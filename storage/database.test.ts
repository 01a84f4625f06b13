import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../test/support/postgres.js';
import { type Database, type DatabaseOptions, openDatabase } from './database.js';
import { borrowClient, withClient } from './pool-client.js';

let testDatabase: TestDatabase;
const opened: Database[] = [];
beforeAll(async () => {
  testDatabase = await createTestDatabase();
});
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
});
afterAll(() => testDatabase?.drop());

function open(options: DatabaseOptions = {}, url = testDatabase.url): Database {
  const database = openDatabase(url, options);
  opened.push(database);
  return database;
}

async function first(database: Database, sql: string): Promise<Record<string, unknown> | undefined> {
  const viaKnex = await database.knex.raw<{ rows: Record<string, unknown>[] }>(sql);
  const viaPool = await database.pool.query<Record<string, unknown>>(sql);
  expect(viaKnex.rows).toEqual(viaPool.rows);
  return viaPool.rows[0];
}

describe('values', () => {
  test('of bigint, numeric, count and sum are numbers', async () => {
    const row = await first(
      open(),
      `SELECT 9007199254740991::bigint AS a, -5::bigint AS b, 12.345678::numeric(12,6) AS c, count(*) AS d, sum(x) AS e
       FROM generate_series(1::bigint, 3::bigint) AS x`,
    );
    expect(row).toEqual({ a: 9_007_199_254_740_991, b: -5, c: 12.345678, d: 3, e: 6 });
  });

  test('of bigint that a number cannot hold exactly fail the query', async () => {
    const { knex, pool } = open();
    await expect(knex.raw('SELECT 9007199254740993::bigint AS a')).rejects.toThrow('9007199254740993');
    await expect(pool.query('SELECT 9007199254740993::bigint AS a')).rejects.toThrow('9007199254740993');
  });

  test('of timestamptz are moments, and of date are text that no time zone can move', async () => {
    const row = await first(
      open(),
      `SELECT '2026-03-01T23:30:00.123+02:00'::timestamptz AS moment, '2026-03-01'::date AS day, '{"a":[1]}'::jsonb AS json`,
    );
    expect(row).toEqual({ moment: new Date('2026-03-01T21:30:00.123Z'), day: '2026-03-01', json: { a: [1] } });
  });
});

describe('errors', () => {
  test('of a query do not carry its values', async () => {
    const { knex } = open();
    const failing = knex.raw('SELECT ?::text, 1 / 0', ['a-secret-prompt']);
    await expect(failing).rejects.toThrow('division by zero');
    await expect(failing).rejects.not.toThrow('a-secret-prompt');
  });

  test('of connecting do not carry the password', async () => {
    const url = new URL(testDatabase.url);
    url.password = 'a-wrong-secret';
    const errors: Error[] = [];
    const { knex, pool } = open({ onConnectionError: (error) => errors.push(error) }, url.href);
    for (const query of [() => knex.raw('SELECT 1'), () => pool.query('SELECT 1')]) {
      const failing = query();
      await expect(failing).rejects.toThrow('password authentication failed');
      await expect(failing).rejects.not.toThrow('a-wrong-secret');
    }
    expect(errors.map((error) => error.message).join()).not.toContain('a-wrong-secret');
  });

  test('of a query that takes longer than the limit cancel it, and streams have no limit', async () => {
    const { knex, pool } = open({ statementTimeoutMs: 100 });
    await expect(knex.raw('SELECT pg_sleep(30)')).rejects.toThrow('statement timeout');
    await pool.query('SELECT pg_sleep(0.3)');
  });

  test('of a transaction that does nothing for too long free its locks', async () => {
    const { knex } = open({ idleInTransactionTimeoutMs: 100, onConnectionError: () => undefined });
    await knex.raw('CREATE TABLE idle_locks (x int)');
    const forgotten = knex.transaction(async (trx) => {
      await trx.raw('LOCK TABLE idle_locks');
      await sleep(1_000);
      await trx.raw('SELECT 1');
    });
    const outcome = expect(forgotten).rejects.toThrow();
    await expect
      .poll(() =>
        knex('idle_locks')
          .insert({ x: 1 })
          .then(() => true),
      )
      .toBe(true);
    await outcome;
  });

  test('come after the time limit when no connection is free', async () => {
    const { knex, pool } = open({
      poolMax: 1,
      streamPoolMax: 1,
      connectionTimeoutMs: 500,
      onConnectionError: () => undefined,
    });
    const borrowed = await borrowClient(pool);
    await expect(borrowClient(pool)).rejects.toMatchObject({ code: 'NOT_READY' });
    borrowed.giveBack();
    await knex.transaction(async (trx) => {
      await trx.raw('SELECT 1');
      await expect(knex.raw('SELECT 1')).rejects.toThrow(/timeout/i);
    });
  });
});

describe('connections', () => {
  test('say in pg_stat_activity whose they are', async () => {
    const row = await first(
      open({ applicationName: 'reelwright-test-name' }),
      'SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()',
    );
    expect(row).toEqual({ application_name: 'reelwright-test-name' });
  });

  test('that Postgres ends while idle are reported and replaced, and the process lives on', async () => {
    const errors: Error[] = [];
    const victim = open({ applicationName: 'victim', onConnectionError: (error) => errors.push(error) });
    await first(victim, 'SELECT 1 AS one');
    await endConnectionsOf('victim');
    await expect.poll(() => errors.length).toBeGreaterThan(0);
    // Each of the two has its own connection, and the end of one may be seen before that of the other.
    await expect.poll(() => first(victim, 'SELECT 1 AS one')).toEqual({ one: 1 });
  });

  test('that Postgres ends while borrowed say so, and are not given to the next user', async () => {
    const victim = open({ applicationName: 'victim-borrowed', streamPoolMax: 1, onConnectionError: () => undefined });
    const borrowed = await borrowClient(victim.pool);
    const lost = once(borrowed.lost, 'abort');
    await endConnectionsOf('victim-borrowed');
    await lost;
    borrowed.giveBack();
    borrowed.discard();
    const one = await withClient(victim.pool, 'in the test', (client) =>
      client.query<{ one: number }>('SELECT 1 AS one'),
    );
    expect(one.rows).toEqual([{ one: 1 }]);
  });

  test('that Postgres ends in the middle of a statement fail it with NOT_READY', async () => {
    const victim = open({ applicationName: 'victim-busy', onConnectionError: () => undefined });
    const sleeping = withClient(victim.pool, 'in the test', (client) => client.query('SELECT pg_sleep(60)'));
    const outcome = expect(sleeping).rejects.toMatchObject({
      code: 'NOT_READY',
      message: expect.stringContaining('in the test'),
    });
    // Not before the statement runs: a connection that is only being opened ends in another way.
    await expect.poll(() => endConnectionsOf('victim-busy', 'SELECT pg_sleep(60)')).toBeGreaterThan(0);
    await outcome;
  });

  test('are all gone after close, which may be called twice', async () => {
    const closing = openDatabase(testDatabase.url, { applicationName: 'closing' });
    await first(closing, 'SELECT 1 AS one');
    await Promise.all([closing.close(), closing.close()]);
    await closing.close();
    await expect.poll(() => connectionsOf('closing')).toBe(0);
  });
});

async function connectionsOf(applicationName: string): Promise<number> {
  const sql = 'SELECT pid FROM pg_stat_activity WHERE application_name = $1';
  return (await open().pool.query(sql, [applicationName])).rowCount ?? 0;
}

async function endConnectionsOf(applicationName: string, statement = '%'): Promise<number> {
  const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = $1 AND query LIKE $2 AND ($2 = '%' OR state = 'active')`;
  return (await open().pool.query(sql, [applicationName, statement])).rowCount ?? 0;
}
