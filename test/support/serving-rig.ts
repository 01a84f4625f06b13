/** A database, a pool that tells its queries for bytes, and a folder for a cache on disk. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PoolClient } from 'pg';
import { type Database, type DatabaseOptions, openDatabase } from '../../storage/database.js';
import { createTestDatabase } from './postgres.js';

/** What the rig's connections call themselves in `pg_stat_activity`. */
export const SERVING = 'serving-test';

export interface ServingRig {
  url: string;
  database: Database;
  /** Another pool, whose connections nobody breaks. */
  writer: Database;
  folder: string;
  /** The COPY queries so far. */
  queries: string[];
  close(): Promise<void>;
}

export async function createServingRig(options: DatabaseOptions = {}): Promise<ServingRig> {
  const testDatabase = await createTestDatabase();
  // The tests break connections on purpose; what then fails is what they look at.
  const database = openDatabase(testDatabase.url, {
    applicationName: SERVING,
    onConnectionError: () => undefined,
    ...options,
  });
  const writer = openDatabase(testDatabase.url);
  const folder = await mkdtemp(join(tmpdir(), 'reelwright-serving-test-'));
  const queries: string[] = [];
  database.pool.on('connect', (client) => noteCopies(client, queries));
  return {
    url: testDatabase.url,
    database,
    writer,
    folder,
    queries,
    async close() {
      await database.close();
      await writer.close();
      await testDatabase.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function noteCopies(client: PoolClient, queries: string[]): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  Object.assign(client, {
    query(...args: unknown[]) {
      const text = (args[0] as { text?: string }).text ?? '';
      if (text.startsWith('COPY (')) queries.push(text);
      return query(...args);
    },
  });
}

/** Which chunks a query is for, the first and the last. */
export function chunksOf(query: string): [number, number] {
  const [, first, last] = /n BETWEEN (\d+) AND (\d+)/.exec(query) ?? [];
  return [Number(first), Number(last)];
}
