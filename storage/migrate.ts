import type { Knex } from 'knex';
import { ReelwrightError } from '../domain/errors.js';
import { MIGRATIONS } from '../migrations/index.js';
import type { Migration } from '../migrations/migration.js';
import { openDatabase } from './database.js';

/** Any fixed number: processes that migrate one database take turns on it. */
const MIGRATION_LOCK = 7_305_802;
const MIGRATIONS_TABLE = 'knex_migrations';

/**
 * Brings the database to this code's schema. Any number of processes may call it at once: one migrates, the others wait
 * and find nothing to do. All steps run in one transaction, which holds the lock too, so a process that dies in the
 * middle leaves nothing behind. Throws DATABASE_TOO_NEW when the database has steps that this code does not know.
 */
export async function migrateToLatest(
  databaseUrl: string,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  const database = openDatabase(databaseUrl, {
    applicationName: 'reelwright-migrate',
    poolMax: 1,
    statementTimeoutMs: 0,
    // Whatever goes wrong is thrown.
    onConnectionError: () => undefined,
  });
  try {
    await database.knex.transaction(async (trx) => {
      await trx.raw('SELECT pg_advisory_xact_lock(?)', [MIGRATION_LOCK]);
      await refuseUnknownMigrations(trx, migrations);
      // With the lock in hand nobody else migrates: a set flag was left by a process that died.
      await trx.migrate.forceFreeMigrationsLock({ tableName: MIGRATIONS_TABLE });
      await trx.migrate.latest({ tableName: MIGRATIONS_TABLE, migrationSource: sourceOf(migrations) });
    });
  } finally {
    await database.close();
  }
}

/** What the database has and this code knows of it, for health checks. Writes nothing. */
export async function migrationState(
  knex: Knex,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<{ pending: string[]; unknown: string[] }> {
  const exists = await knex.schema.hasTable(MIGRATIONS_TABLE);
  const applied = exists ? await knex(MIGRATIONS_TABLE).orderBy('id').pluck<string[]>('name') : [];
  const known = migrations.map((migration) => migration.name);
  return {
    pending: known.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !known.includes(name)),
  };
}

async function refuseUnknownMigrations(knex: Knex, migrations: readonly Migration[]): Promise<void> {
  const { unknown } = await migrationState(knex, migrations);
  if (unknown.length === 0) return;
  throw new ReelwrightError(
    'DATABASE_TOO_NEW',
    `the database is newer than this code: it has ${unknown.join(', ')}, and the newest step known here is ` +
      `${migrations.at(-1)?.name ?? 'none'}; run the newer release`,
    { details: { unknown } },
  );
}

function sourceOf(migrations: readonly Migration[]): Knex.MigrationSource<Migration> {
  return {
    getMigrations: () => Promise.resolve([...migrations]),
    getMigrationName: (migration) => migration.name,
    getMigration: (migration) =>
      Promise.resolve({
        up: (knex) => migration.up(knex),
        down: () => Promise.reject(new Error(`migration ${migration.name} cannot be undone: write a new one`)),
      }),
  };
}
