import type { Migration } from './migration.js';

/** What a clip says of itself, so that a cut need not ask again. */
export const mediaProbes: Migration = {
  name: '0010-media-probes',
  async up(knex) {
    await knex.raw(`
      CREATE TABLE media_probes (
        -- By content and not by clip: equal bytes say the same of themselves.
        sha256 text NOT NULL,
        -- Of the probe's kind: one of another kind is not read.
        version integer NOT NULL,
        probe jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (sha256, version)
      )
    `);
  },
};
