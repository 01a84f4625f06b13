import type { Knex } from 'knex';
import { ReelwrightError } from '../domain/errors.js';
import { migrationState } from './migrate.js';

/** Throws unless the database has exactly the schema of this code: DATABASE_TOO_NEW, or NOT_READY while steps are owed. */
export async function requireCurrentSchema(knex: Knex): Promise<void> {
  const { pending, unknown } = await migrationState(knex);
  if (unknown.length > 0) {
    throw new ReelwrightError('DATABASE_TOO_NEW', `the database is newer than this code: it has ${unknown.join(', ')}`);
  }
  if (pending.length > 0) {
    throw new ReelwrightError('NOT_READY', `the database lacks ${pending.join(', ')}: run npm run migrate first`);
  }
}
