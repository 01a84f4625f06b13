import type { Migration } from './migration.js';

/**
 * A job's row is touched whenever one of its parts changes. With the time of that in an index, each touch was a new entry
 * in every index of the table; without, and with room in the page, it is none:
 * https://www.postgresql.org/docs/current/storage-hot.html
 */
export const touchedJobs: Migration = {
  name: '0014-touched-jobs',
  async up(knex) {
    await knex.raw(`
      DROP INDEX jobs_start_owed;
      CREATE INDEX jobs_start_owed ON jobs (id) WHERE run_started_at IS NULL;
      ALTER TABLE jobs SET (fillfactor = 70);
      ALTER TABLE clips SET (fillfactor = 80)
    `);
  },
};
