import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { databaseUrl, withAdmin } from './postgres-part.js';

export interface TestDatabase {
  url: string;
  /** Removes it, ending whatever is still connected. */
  drop(): Promise<void>;
}

/** A migrated, empty database of the caller's own; one per test file is the habit. */
export async function createTestDatabase(): Promise<TestDatabase> {
  return await createDatabase(` TEMPLATE ${inject('postgres').template}`);
}

/** A database without any table, for tests of the migrations themselves. */
export async function createUnmigratedTestDatabase(): Promise<TestDatabase> {
  return await createDatabase('');
}

async function createDatabase(clause: string): Promise<TestDatabase> {
  const { adminUrl, prefix } = inject('postgres');
  const name = prefix + randomBytes(6).toString('hex');
  await withAdmin(adminUrl, (client) => client.query(`CREATE DATABASE ${name}${clause}`));
  return {
    url: databaseUrl(adminUrl, name),
    async drop() {
      await withAdmin(adminUrl, (client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`));
    },
  };
}
