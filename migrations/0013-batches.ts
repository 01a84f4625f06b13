import type { Migration } from './migration.js';

/** One thing done to many jobs, and what became of it for each of them. */
export const batches: Migration = {
  name: '0013-batches',
  async up(knex) {
    await knex.raw(`
      CREATE TABLE batches (
        id uuid PRIMARY KEY,
        action text NOT NULL CHECK (action IN ('retry', 'cancel')),
        -- Which jobs were asked for; the rows below are those that fitted then.
        filter jsonb NOT NULL,
        requested_by text NOT NULL,
        status text NOT NULL CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
        error jsonb,
        -- When its workflow was handed to Temporal; null while that is still owed.
        started_at timestamptz,
        cancel_requested_at timestamptz,
        looked_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        completed_at timestamptz
      );
      CREATE INDEX batches_created ON batches (created_at DESC, id);
      CREATE INDEX batches_open ON batches (looked_at) WHERE status IN ('queued', 'running');
      CREATE TABLE batch_items (
        batch_id uuid NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
        position integer NOT NULL CHECK (position > 0),
        -- The job's id and run as they were chosen; the result stays when the job is deleted.
        job_id uuid NOT NULL,
        run_number integer NOT NULL,
        status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'done', 'skipped')),
        code text,
        message text,
        finished_at timestamptz,
        PRIMARY KEY (batch_id, position),
        UNIQUE (batch_id, job_id)
      );
      CREATE INDEX jobs_ended ON jobs (status, completed_at)
    `);
  },
};
