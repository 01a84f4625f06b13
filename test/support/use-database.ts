import { afterAll, beforeAll } from 'vitest';
import { type Database, type DatabaseOptions, openDatabase } from '../../storage/database.js';
import { createTestDatabase, type TestDatabase } from './postgres.js';

/** A migrated, empty database of the calling test file's own, there from before its tests until after them. */
export function useDatabase(
  options: DatabaseOptions = {},
): Pick<Database, 'knex' | 'pool'> & Pick<TestDatabase, 'url'> {
  let own: TestDatabase;
  let opened: Database;
  beforeAll(async () => {
    own = await createTestDatabase();
    opened = openDatabase(own.url, options);
  });
  afterAll(async () => {
    await opened.close();
    await own.drop();
  });
  return {
    get url() {
      return own.url;
    },
    get knex() {
      return opened.knex;
    },
    get pool() {
      return opened.pool;
    },
  };
}
