import type { Migration } from './migration.js';

/** What is made from a finished video: small pictures to find a place in it, exports of it, and combinations of several. */
export const extras: Migration = {
  name: '0008-extras',
  async up(knex) {
    await knex.raw(`
      CREATE TABLE video_previews (
        job_id uuid PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
        -- The video that they show; they count only while it is the job's.
        video_blob_id uuid NOT NULL REFERENCES blobs (id),
        thumbnail_blob_id uuid NOT NULL REFERENCES blobs (id),
        sprites_blob_id uuid NOT NULL REFERENCES blobs (id),
        -- WebVTT: which part of the sprite sheet belongs to which time.
        cues_blob_id uuid NOT NULL REFERENCES blobs (id),
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX video_previews_video ON video_previews (video_blob_id);
      CREATE INDEX video_previews_thumbnail ON video_previews (thumbnail_blob_id);
      CREATE INDEX video_previews_sprites ON video_previews (sprites_blob_id);
      CREATE INDEX video_previews_cues ON video_previews (cues_blob_id)
    `);
    await knex.raw(`
      CREATE TABLE renditions (
        id uuid PRIMARY KEY,
        owner_id uuid NOT NULL REFERENCES owners (id),
        kind text NOT NULL CHECK (kind IN ('export', 'combination')),
        -- Whose video is exported; a combination belongs to no job.
        job_id uuid REFERENCES jobs (id) ON DELETE CASCADE,
        name text NOT NULL,
        format text NOT NULL CHECK (format IN ('mp4', 'mov', 'webm')),
        quality text CHECK (quality IN ('low', 'medium', 'high')),
        -- How one video becomes the next; null for an export.
        transition text CHECK (transition IN ('cut', 'crossfade', 'fade')),
        status text NOT NULL CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
        percent integer NOT NULL DEFAULT 0 CHECK (percent BETWEEN 0 AND 100),
        error jsonb,
        blob_id uuid REFERENCES blobs (id),
        duration_seconds double precision,
        -- When its workflow was handed to Temporal; null while that is still owed.
        started_at timestamptz,
        cancel_requested_at timestamptz,
        looked_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        completed_at timestamptz,
        CHECK ((kind = 'export') = (job_id IS NOT NULL AND quality IS NOT NULL))
      );
      CREATE INDEX renditions_owner ON renditions (owner_id, kind, created_at DESC, id);
      CREATE INDEX renditions_job ON renditions (job_id);
      CREATE INDEX renditions_blob ON renditions (blob_id);
      CREATE INDEX renditions_open ON renditions (looked_at) WHERE status IN ('queued', 'running');
      CREATE TABLE rendition_sources (
        rendition_id uuid NOT NULL REFERENCES renditions (id) ON DELETE CASCADE,
        position integer NOT NULL CHECK (position > 0),
        -- The job's id as it was asked for; the bytes stay what they were then, whatever becomes of the job.
        job_id uuid NOT NULL,
        blob_id uuid NOT NULL REFERENCES blobs (id),
        PRIMARY KEY (rendition_id, position)
      );
      CREATE INDEX rendition_sources_blob ON rendition_sources (blob_id)
    `);
  },
};
