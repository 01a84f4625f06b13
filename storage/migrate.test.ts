import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MIGRATIONS } from '../migrations/index.js';
import type { Migration } from '../migrations/migration.js';
import { createUnmigratedTestDatabase, type TestDatabase } from '../test/support/postgres.js';
import { openDatabase } from './database.js';
import { migrateToLatest, migrationState } from './migrate.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await createUnmigratedTestDatabase();
});
afterEach(() => database.drop());

async function rows<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function applied(): Promise<string[]> {
  return (await rows<{ name: string }>('SELECT name FROM knex_migrations ORDER BY id')).map((row) => row.name);
}

/** The command of a deploy, in a process of its own. */
async function runTool(url: string | undefined): Promise<{ code: number | null; output: string }> {
  const { DATABASE_URL: _outer, ...environment } = process.env;
  const child = execFile(process.execPath, ['--import', 'tsx', 'tools/migrate.ts'], {
    env: url === undefined ? environment : { ...environment, DATABASE_URL: url },
  });
  let output = '';
  child.stdout?.on('data', (text: string) => (output += text));
  child.stderr?.on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

describe('migrateToLatest', () => {
  test('applies every migration in order, and a second run changes nothing', async () => {
    await migrateToLatest(database.url);
    expect(await applied()).toEqual(MIGRATIONS.map((migration) => migration.name));
    await migrateToLatest(database.url);
    expect(await applied()).toEqual(MIGRATIONS.map((migration) => migration.name));
  });

  test('applies only the steps that an older database lacks', async () => {
    const first: Migration = {
      name: '0001-first',
      up: async (knex) => void (await knex.raw('CREATE TABLE a (x int)')),
    };
    const second: Migration = {
      name: '0002-second',
      up: async (knex) => void (await knex.raw('CREATE TABLE b (x int)')),
    };
    await migrateToLatest(database.url, [first]);
    await migrateToLatest(database.url, [first, second]);
    expect(await applied()).toEqual(['0001-first', '0002-second']);
  });

  test('succeeds for six processes at once', async () => {
    const results = await Promise.all(Array.from({ length: 6 }, () => runTool(database.url)));
    expect(results.map((result) => result.code)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(await applied()).toEqual(MIGRATIONS.map((migration) => migration.name));
  });

  test('runs again after a lock flag was left behind by a process that died', async () => {
    await migrateToLatest(database.url);
    await rows('UPDATE knex_migrations_lock SET is_locked = 1');
    const added: Migration = {
      name: '9999-added',
      up: async (knex) => void (await knex.raw('CREATE TABLE a (x int)')),
    };
    await migrateToLatest(database.url, [...MIGRATIONS, added]);
    expect(await applied()).toContain('9999-added');
    expect(await rows('SELECT is_locked FROM knex_migrations_lock')).toEqual([{ is_locked: 0 }]);
  });

  test('leaves nothing of any step when one fails, so that the next run starts clean', async () => {
    const broken: Migration = { name: '9999-broken', up: async (knex) => void (await knex.raw('SELECT 1 / 0')) };
    await expect(migrateToLatest(database.url, [...MIGRATIONS, broken])).rejects.toThrow('division by zero');
    expect(await rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
    await migrateToLatest(database.url);
    expect(await applied()).toEqual(MIGRATIONS.map((migration) => migration.name));
  });

  test('leaves nothing of any step when its connection dies in the middle, so that the next run starts clean', async () => {
    const stuck: Migration = { name: '9999-stuck', up: async (knex) => void (await knex.raw('SELECT pg_sleep(60)')) };
    const migrating = migrateToLatest(database.url, [...MIGRATIONS, stuck]);
    const outcome = expect(migrating).rejects.toThrow();
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%'`;
    await expect.poll(() => rows(end)).toHaveLength(1);
    await outcome;
    expect(await rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
    await migrateToLatest(database.url);
    expect(await applied()).toEqual(MIGRATIONS.map((migration) => migration.name));
  });

  test('refuses a database that is newer than the code, names what it does not know, and changes nothing', async () => {
    const newer: Migration = {
      name: '9999-newer',
      up: async (knex) => void (await knex.raw('CREATE TABLE a (x int)')),
    };
    await migrateToLatest(database.url, [...MIGRATIONS, newer]);
    await expect(migrateToLatest(database.url)).rejects.toMatchObject({
      code: 'DATABASE_TOO_NEW',
      message: expect.stringContaining('9999-newer'),
    });
    expect(await applied()).toContain('9999-newer');
  });
});

describe('migrationState', () => {
  test('tells pending and unknown steps, also of a database without any table', async () => {
    const { knex, close } = openDatabase(database.url);
    const names = MIGRATIONS.map((migration) => migration.name);
    expect(await migrationState(knex)).toEqual({ pending: names, unknown: [] });
    await migrateToLatest(database.url);
    expect(await migrationState(knex)).toEqual({ pending: [], unknown: [] });
    expect(await migrationState(knex, [])).toEqual({ pending: [], unknown: names });
    await close();
  });
});

describe('tools/migrate.ts', () => {
  test('says what is missing when DATABASE_URL is not set, and exits with 1', async () => {
    const { code, output } = await runTool(undefined);
    expect(code).toBe(1);
    expect(output).toContain('DATABASE_URL: expected postgres://');
    expect(output).not.toContain('    at ');
  });

  test('exits with 3 when the database is newer than the code', async () => {
    const newer: Migration = {
      name: '9999-newer',
      up: async (knex) => void (await knex.raw('CREATE TABLE a (x int)')),
    };
    await migrateToLatest(database.url, [...MIGRATIONS, newer]);
    const { code, output } = await runTool(database.url);
    expect({ code, output }).toEqual({ code: 3, output: expect.stringContaining('9999-newer') });
  });

  test('exits with 1 and shows no password when the server refuses the connection', async () => {
    const url = new URL(database.url);
    url.password = 'a-wrong-secret';
    const { code, output } = await runTool(url.href);
    expect(code).toBe(1);
    expect(output).toContain('password authentication failed');
    expect(output).not.toContain('a-wrong-secret');
  });
});

describe('the list of migrations', () => {
  test('has every file of the folder, once, in the order of its names', async () => {
    const files = (await readdir(new URL('../migrations/', import.meta.url))).filter((file) => /^\d{4}-/.test(file));
    const names = files.map((file) => basename(file).replace(/\.(ts|js)$/, '')).toSorted();
    expect(MIGRATIONS.map((migration) => migration.name)).toEqual(names);
  });
});
