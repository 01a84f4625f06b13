import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../test/support/postgres.js';
import { type Database, openDatabase } from './database.js';
import { isDatabaseUnreachable } from './unreachable.js';

let own: TestDatabase;
let database: Database;
beforeAll(async () => {
  own = await createTestDatabase();
  database = openDatabase(own.url, { poolMax: 2 });
});
afterAll(async () => {
  await database.close();
  await own.drop();
});

const failure = (query: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(query).then(
    () => undefined,
    (error: unknown) => error,
  );

test('a server that is not there', async () => {
  const away = openDatabase('postgres://reelwright@127.0.0.1:1/reelwright');
  expect(isDatabaseUnreachable(await failure(away.knex.raw('SELECT 1')))).toBe(true);
  await away.close();
});

test('a connection that is ended in the middle of a query', async () => {
  const slow = failure(database.knex.raw(`SELECT pg_sleep(20), 'to be ended'`));
  const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%to be ended%' AND pid <> pg_backend_pid()`;
  let ended = 0;
  while (ended === 0) ended = (await database.knex.raw<{ rows: unknown[] }>(end)).rows.length;
  expect(isDatabaseUnreachable(await slow)).toBe(true);
});

test('but not a query that is wrong, nor anything else', async () => {
  expect(isDatabaseUnreachable(await failure(database.knex.raw('SELECT nonsense')))).toBe(false);
  expect(isDatabaseUnreachable(new Error('something'))).toBe(false);
  expect(isDatabaseUnreachable(undefined)).toBe(false);
});
