import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../test/support/postgres.js';
import { type Database, openDatabase } from './database.js';

let testDatabase: TestDatabase;
let database: Database;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
});
beforeEach(async () => {
  // One connection: what is prepared is the connection's own.
  database = openDatabase(testDatabase.url, { poolMax: 1 });
  await database.knex.raw('CREATE TABLE things (id integer PRIMARY KEY, name text)');
  await database.knex('things').insert([1, 2, 3].map((id) => ({ id, name: `thing ${id}` })));
});
afterEach(async () => {
  await database.knex.raw('DROP TABLE things');
  await database.close();
});
afterAll(() => testDatabase?.drop());

/** What the connection has prepared, and how often each was run. */
async function prepared(): Promise<Map<string, number>> {
  const { rows } = await database.knex.raw<{ rows: { statement: string; runs: number }[] }>(
    'SELECT statement, generic_plans + custom_plans AS runs FROM pg_prepared_statements',
  );
  return new Map(rows.map(({ statement, runs }) => [statement, runs]));
}

const thing = async (id: number): Promise<unknown> => await database.knex('things').where({ id }).first('name');
const THING = 'select "name" from "things" where "id" = $1 limit $2';

test('a statement with values is prepared once and run with each of them', async () => {
  for (const id of [1, 2, 3]) expect(await thing(id)).toEqual({ name: `thing ${id}` });
  expect((await prepared()).get(THING)).toBe(3);
});

test('a transaction uses what its connection has prepared', async () => {
  await thing(1);
  const names = await database.knex.transaction(async (trx) => [
    await trx('things').where({ id: 2 }).first('name'),
    await trx('things').where({ id: 3 }).first('name'),
  ]);
  expect(names).toEqual([{ name: 'thing 2' }, { name: 'thing 3' }]);
  expect((await prepared()).get(THING)).toBe(3);
});

test('a statement without values is not', async () => {
  await database.knex.raw('SELECT 1');
  await database.knex.transaction(async (trx) => await trx.raw('SELECT 2'));
  // What asks has none either.
  await prepared();
  expect([...(await prepared()).keys()].filter((statement) => !statement.includes('things'))).toEqual([]);
});

test('an error stays that of its statement, and the next use of it is as good as any', async () => {
  const half = async (by: number): Promise<unknown> =>
    (await database.knex.raw('SELECT 4 / ?::integer AS half', [by])).rows;
  await expect(half(0)).rejects.toMatchObject({ code: '22012' });
  expect(await half(2)).toEqual([{ half: 2 }]);
  await expect(half(0)).rejects.toMatchObject({ code: '22012' });
});

test('no connection keeps more than 300, and what comes after them runs as well', async () => {
  for (let count = 0; count < 310; count += 1) {
    const { rows } = await database.knex.raw(`SELECT ?::integer AS n${count}`, [count]);
    expect(rows).toEqual([{ [`n${count}`]: count }]);
  }
  const kept = await prepared();
  expect(kept.size).toBe(300);
  expect(kept.has('SELECT $1::integer AS n309')).toBe(false);
  expect(await thing(1)).toEqual({ name: 'thing 1' });
});

test('a statement whose columns a migration has changed is prepared anew', async () => {
  await thing(1);
  await database.knex.raw('ALTER TABLE things ALTER COLUMN name TYPE varchar(100)');
  expect(await thing(1)).toEqual({ name: 'thing 1' });
  expect(await thing(2)).toEqual({ name: 'thing 2' });
});

test('within a transaction it fails, and the transaction begun again succeeds', async () => {
  await thing(1);
  await database.knex.raw('ALTER TABLE things ALTER COLUMN name TYPE varchar(100)');
  const both = (): Promise<unknown[]> =>
    database.knex.transaction(async (trx) => [
      await trx('things').where({ id: 1 }).update({ name: 'changed' }),
      await trx('things').where({ id: 1 }).first('name'),
    ]);
  await expect(both()).rejects.toMatchObject({ code: '0A000' });
  expect(await both()).toEqual([1, { name: 'changed' }]);
});
