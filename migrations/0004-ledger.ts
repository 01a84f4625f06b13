import type { Migration } from './migration.js';

/** The ledger of purchases and the inbox of the provider's webhooks. */
export const ledger: Migration = {
  name: '0004-ledger',
  async up(knex) {
    // No cascade: what was bought outlives every wish to forget it.
    await knex.raw(`
      CREATE TABLE predictions (
        id uuid PRIMARY KEY,
        job_id uuid NOT NULL REFERENCES jobs (id),
        subject text NOT NULL CHECK (subject ~ '^(clip|music|image|text):[1-9][0-9]*$'),
        attempt integer NOT NULL CHECK (attempt > 0),
        model text NOT NULL,
        fingerprint text NOT NULL,
        seed bigint,
        input jsonb NOT NULL,
        state text NOT NULL CHECK (state IN ('intended', 'posting', 'known', 'unknown', 'succeeded', 'failed', 'canceled',
          'aborted', 'stored')),
        lease uuid NOT NULL,
        post_by timestamptz NOT NULL,
        provider_id text UNIQUE,
        estimate_usd numeric(12, 6) NOT NULL CHECK (estimate_usd >= 0),
        cost_usd numeric(12, 6),
        output jsonb,
        metrics jsonb,
        error jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        posted_at timestamptz,
        -- First of the two complete listings that show no trace of the purchase.
        absent_since timestamptz,
        known_at timestamptz,
        settled_at timestamptz,
        stored_at timestamptz,
        UNIQUE (job_id, subject, attempt),
        CHECK (state NOT IN ('known', 'succeeded', 'stored') OR provider_id IS NOT NULL)
      );
      CREATE UNIQUE INDEX predictions_open_fingerprint ON predictions (model, fingerprint)
        WHERE provider_id IS NULL AND state IN ('intended', 'posting', 'unknown');
      CREATE INDEX predictions_open ON predictions (created_at)
        WHERE state IN ('intended', 'posting', 'known', 'unknown', 'succeeded')
    `);
    await knex.raw(`
      CREATE TABLE webhook_inbox (
        webhook_id text PRIMARY KEY,
        prediction_id text NOT NULL,
        -- json and not jsonb: what was signed is kept as it came.
        body json NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX webhook_inbox_prediction ON webhook_inbox (prediction_id, received_at DESC)
    `);
  },
};
