import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrateToLatest } from '../../storage/migrate.js';
import { startEmbeddedPostgres } from './embedded-postgres.js';
import type { SetupPart } from './setup-part.js';

/** The server that the test files share, and the migrated database that each clones. */
export interface ProvidedPostgres {
  adminUrl: string;
  template: string;
  /** Every database of this run starts with it. */
  prefix: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    postgres: ProvidedPostgres;
  }
}

const prefix = `reelwright_test_${randomBytes(4).toString('hex')}_`;

/** Uses the server at TEST_DATABASE_URL where that is set (its user must be able to create databases), else its own. */
export const postgresPart: SetupPart<'postgres'> = {
  name: 'postgres',
  async start() {
    const given = process.env['TEST_DATABASE_URL'];
    const server =
      given === undefined || given === ''
        ? await startEmbeddedPostgres()
        : { url: given, stop: () => dropAll(given, prefix) };
    try {
      const template = `${prefix}template`;
      await withAdmin(server.url, (client) => client.query(`CREATE DATABASE ${template}`));
      await migrateToLatest(databaseUrl(server.url, template));
      // A database with a connection cannot be cloned: let nobody connect to this one.
      await withAdmin(server.url, (client) => client.query(`ALTER DATABASE ${template} ALLOW_CONNECTIONS false`));
      return { provided: { adminUrl: server.url, template, prefix }, stop: () => server.stop() };
    } catch (error) {
      await server.stop();
      throw error;
    }
  },
};

/** `serverUrl` with another database. */
export function databaseUrl(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}

export async function withAdmin<Result>(
  serverUrl: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: serverUrl, application_name: 'reelwright-test-admin' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function dropAll(serverUrl: string, namePrefix: string): Promise<void> {
  await withAdmin(serverUrl, async (client) => {
    const found = await client.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
      [namePrefix],
    );
    for (const { datname } of found.rows) await client.query(`DROP DATABASE ${datname} WITH (FORCE)`);
  });
}
