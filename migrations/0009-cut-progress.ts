import type { Migration } from './migration.js';

/** How far a cut has come, for whoever waits for it. */
export const cutProgress: Migration = {
  name: '0009-cut-progress',
  async up(knex) {
    await knex.raw(`
      ALTER TABLE jobs
        -- Of the cut that runs or ran last, 0 to 1; of use while the job is composing.
        ADD COLUMN cut_fraction real NOT NULL DEFAULT 0 CHECK (cut_fraction BETWEEN 0 AND 1)
    `);
  },
};
