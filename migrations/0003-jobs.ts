import type { Migration } from './migration.js';

/** Jobs and their clips. A job row is committed before its workflow starts; `run_number` says which run is meant. */
export const jobs: Migration = {
  name: '0003-jobs',
  async up(knex) {
    await knex.raw(`
      CREATE TABLE jobs (
        id uuid PRIMARY KEY,
        owner_id uuid NOT NULL REFERENCES owners (id),
        campaign_id uuid REFERENCES campaigns (id) ON DELETE SET NULL,
        kind text NOT NULL,
        name text NOT NULL,
        status text NOT NULL CHECK (status IN ('queued', 'planning', 'awaiting_approval', 'generating', 'needs_attention',
          'composing', 'completed', 'completed_with_gaps', 'failed', 'cancelled')),
        run_number integer NOT NULL DEFAULT 1 CHECK (run_number > 0),
        -- When a run of this number was last handed to Temporal; null while that is still owed.
        run_started_at timestamptz,
        model text NOT NULL,
        resolution text NOT NULL,
        aspect_ratio text NOT NULL,
        generate_audio boolean NOT NULL,
        on_clip_failure text NOT NULL CHECK (on_clip_failure IN ('wait', 'skip', 'fail')),
        order_body jsonb NOT NULL,
        metadata jsonb NOT NULL DEFAULT '{}',
        warnings jsonb NOT NULL DEFAULT '[]',
        error jsonb,
        estimated_cost_usd numeric(12, 6) NOT NULL,
        budget_usd numeric(12, 6),
        video_blob_id uuid REFERENCES blobs (id),
        duration_seconds double precision,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        completed_at timestamptz
      );
      CREATE INDEX jobs_owner ON jobs (owner_id, created_at DESC, id);
      CREATE INDEX jobs_campaign ON jobs (campaign_id);
      CREATE INDEX jobs_video_blob ON jobs (video_blob_id);
      CREATE INDEX jobs_start_owed ON jobs (updated_at) WHERE run_started_at IS NULL
    `);
    await knex.raw(`
      CREATE TABLE clips (
        job_id uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        number integer NOT NULL CHECK (number > 0),
        scene_name text,
        status text NOT NULL CHECK (status IN ('pending', 'generating', 'storing', 'stored', 'needs_attention', 'skipped',
          'failed', 'cancelled')),
        model text NOT NULL,
        prompt text NOT NULL,
        duration_seconds integer NOT NULL CHECK (duration_seconds > 0),
        first_asset_id uuid REFERENCES assets (id),
        last_asset_id uuid REFERENCES assets (id),
        -- Where the provider reads the images of the next purchase, and until when.
        prepared_inputs jsonb,
        blob_id uuid REFERENCES blobs (id),
        warnings jsonb NOT NULL DEFAULT '[]',
        error jsonb,
        started_at timestamptz,
        completed_at timestamptz,
        PRIMARY KEY (job_id, number)
      );
      CREATE INDEX clips_first_asset ON clips (first_asset_id);
      CREATE INDEX clips_last_asset ON clips (last_asset_id);
      CREATE INDEX clips_blob ON clips (blob_id)
    `);
  },
};
