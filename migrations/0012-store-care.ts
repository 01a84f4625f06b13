import type { Migration } from './migration.js';

/** How long media are kept, what is left of what was deleted, and the room that is promised to uploads. */
export const storeCare: Migration = {
  name: '0012-store-care',
  async up(knex) {
    await knex.raw(`
      ALTER TABLE campaigns
        -- Days after the end of a job that its media are kept; null for those of the deployment.
        ADD COLUMN retention_days integer CHECK (retention_days > 0);
      ALTER TABLE jobs
        -- When its video, clips, music and exports were removed; what it cost stays.
        ADD COLUMN media_deleted_at timestamptz,
        -- When its owner deleted it: from then on nobody is shown it, and only the accounts read it.
        ADD COLUMN deleted_at timestamptz;
      CREATE INDEX jobs_media_kept ON jobs (completed_at) WHERE media_deleted_at IS NULL;
      ALTER TABLE renditions ADD COLUMN media_deleted_at timestamptz;
      -- Null once the video is gone: what was made of it stays.
      ALTER TABLE rendition_sources ALTER COLUMN blob_id DROP NOT NULL;
      CREATE INDEX rendition_sources_job ON rendition_sources (job_id);
      ALTER TABLE assets
        -- A row without bytes is kept, so that the clips that were made of it still say so.
        ALTER COLUMN blob_id DROP NOT NULL,
        ADD COLUMN deleted_at timestamptz,
        ADD CHECK ((blob_id IS NULL) = (deleted_at IS NOT NULL));
      ALTER TABLE encoded_clips
        -- Of all clips that it was made of; null where that was not noted.
        ADD COLUMN source_hashes text[],
        ADD COLUMN last_used_at timestamptz NOT NULL DEFAULT now();
      CREATE INDEX encoded_clips_used ON encoded_clips (last_used_at);
      CREATE TABLE room_reservations (
        id uuid PRIMARY KEY,
        bytes bigint NOT NULL CHECK (bytes >= 0),
        -- Whoever has not stored the bytes by then is taken to be gone.
        expires_at timestamptz NOT NULL
      )
    `);
  },
};
