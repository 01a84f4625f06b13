import type { Migration } from './migration.js';

/** What belongs to a cut beside the video: its plan, its poster, and clips that were encoded to fit. */
export const cut: Migration = {
  name: '0006-cut',
  async up(knex) {
    await knex.raw(`
      ALTER TABLE jobs
        ADD COLUMN poster_blob_id uuid REFERENCES blobs (id),
        -- What of the video was copied, what was encoded and why: for whoever wonders.
        ADD COLUMN cut_plan jsonb;
      CREATE INDEX jobs_poster_blob ON jobs (poster_blob_id);
      CREATE TABLE encoded_clips (
        -- By content and not by clip: what was encoded once fits wherever the same bytes are encoded alike.
        source_sha256 text NOT NULL,
        recipe_sha256 text NOT NULL,
        blob_id uuid NOT NULL REFERENCES blobs (id),
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (source_sha256, recipe_sha256)
      );
      CREATE INDEX encoded_clips_blob ON encoded_clips (blob_id)
    `);
  },
};
