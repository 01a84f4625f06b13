/** `npm run migrate`: brings the database to this code's schema. */
import { readEnvironment } from '../config/environment.js';
import { describeStartFailure } from '../config/start-failure.js';
import { isReelwrightError } from '../domain/errors.js';
import { migrateToLatest } from '../storage/migrate.js';

/** Exit codes: the deploy can tell an old release from everything else. */
const FAILED = 1;
const DATABASE_TOO_NEW = 3;

try {
  await migrateToLatest(readEnvironment(['DATABASE_URL']).DATABASE_URL);
  console.log('migrate: the database is up to date');
} catch (error) {
  console.error(`migrate: ${describeStartFailure(error)}`);
  process.exitCode = isReelwrightError(error, 'DATABASE_TOO_NEW') ? DATABASE_TOO_NEW : FAILED;
}
