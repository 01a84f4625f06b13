import type { Migration } from './migration.js';

/** The music of a job: pieces that are bought as clips are, and of which the last one that is stored is heard. */
export const music: Migration = {
  name: '0007-music',
  async up(knex) {
    await knex.raw(`
      CREATE TABLE music_pieces (
        job_id uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        number integer NOT NULL CHECK (number > 0),
        status text NOT NULL CHECK (status IN ('pending', 'generating', 'storing', 'stored', 'needs_attention', 'skipped',
          'failed', 'cancelled')),
        model text NOT NULL,
        prompt text NOT NULL,
        -- Of new music: what a piece goes on from is not counted.
        duration_seconds integer NOT NULL CHECK (duration_seconds > 0),
        prepared_inputs jsonb,
        blob_id uuid REFERENCES blobs (id),
        warnings jsonb NOT NULL DEFAULT '[]',
        error jsonb,
        started_at timestamptz,
        completed_at timestamptz,
        PRIMARY KEY (job_id, number)
      );
      CREATE INDEX music_pieces_blob ON music_pieces (blob_id)
    `);
  },
};
