import type { Knex } from 'knex';
import { ReelwrightError } from '../domain/errors.js';
import { isBreaking } from '../migrations/migration.js';
import { migrationState } from './migrate.js';

/**
 * Throws unless this code can work with the database's schema: NOT_READY while steps are owed, DATABASE_TOO_NEW where it
 * has breaking steps that this code does not know. Other steps of a later release do not matter: during a deploy the
 * workers of the former one go on, and are started again where they die.
 */
export async function requireUsableSchema(knex: Knex): Promise<void> {
  const { pending, unknown } = await migrationState(knex);
  const breaking = unknown.filter(isBreaking);
  if (breaking.length > 0) {
    throw new ReelwrightError(
      'DATABASE_TOO_NEW',
      `the database is newer than this code: it has ${breaking.join(', ')}`,
    );
  }
  if (pending.length > 0) {
    throw new ReelwrightError('NOT_READY', `the database lacks ${pending.join(', ')}: run npm run migrate first`);
  }
}
