import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../test/support/postgres.js';
import { type Database, openDatabase } from './database.js';
import { requireUsableSchema } from './require-schema.js';

let created: TestDatabase;
let database: Database;
beforeEach(async () => {
  created = await createTestDatabase();
  database = openDatabase(created.url);
});
afterEach(async () => {
  await database.close();
  await created.drop();
});

/** What a later release's migration leaves behind. */
const addStep = (name: string): Promise<unknown> =>
  database.knex('knex_migrations').insert({ name, batch: 2, migration_time: new Date() });

test('a database of this code, or of a later release that only added, can be used', async () => {
  await requireUsableSchema(database.knex);
  await addStep('9999-a-column-more');
  await requireUsableSchema(database.knex);
});

test('a breaking step of a later release is refused by name', async () => {
  await addStep('9998-a-column-more');
  await addStep('9999-a-column-less-breaking');
  await expect(requireUsableSchema(database.knex)).rejects.toMatchObject({
    code: 'DATABASE_TOO_NEW',
    message: 'the database is newer than this code: it has 9999-a-column-less-breaking',
  });
});

test('a step that is owed is refused, whatever else there is', async () => {
  await addStep('9999-a-column-more');
  await database.knex('knex_migrations').where({ name: '0004-ledger' }).delete();
  await expect(requireUsableSchema(database.knex)).rejects.toMatchObject({
    code: 'NOT_READY',
    message: 'the database lacks 0004-ledger: run npm run migrate first',
  });
});
