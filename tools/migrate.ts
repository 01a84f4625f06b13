import { isReelwrightError } from '../domain/errors.js';
import { migrateToLatest } from '../storage/migrate.js';

/** Exit codes: the deploy can tell a wrong environment and an old release from a migration that failed. */
const FAILED = 1;
const NO_DATABASE_URL = 2;
const DATABASE_TOO_NEW = 3;

const databaseUrl = process.env['DATABASE_URL'];
if (databaseUrl === undefined || databaseUrl === '') {
  console.error('migrate: DATABASE_URL is not set; expected postgres://user:password@host:port/database');
  process.exitCode = NO_DATABASE_URL;
} else {
  try {
    await migrateToLatest(databaseUrl);
    console.log('migrate: the database is up to date');
  } catch (error) {
    console.error(`migrate: ${describe(error)}`);
    process.exitCode = isReelwrightError(error, 'DATABASE_TOO_NEW') ? DATABASE_TOO_NEW : FAILED;
  }
}

/** One line: a refused connection to a name with several addresses is an AggregateError without a message of its own. */
function describe(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(describe).join('; ');
  return error instanceof Error ? error.message : String(error);
}
