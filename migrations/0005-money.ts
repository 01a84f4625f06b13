import type { Migration } from './migration.js';

/** What guards the money: budgets, the pause of all purchasing, strays, the clock of the ledger, keys of requests. */
export const money: Migration = {
  name: '0005-money',
  async up(knex) {
    await knex.raw(`
      ALTER TABLE owners
        ADD COLUMN daily_cap_usd numeric(12, 6) CHECK (daily_cap_usd >= 0),
        -- Purchases at once; null for the limit of the deployment.
        ADD COLUMN open_purchases integer CHECK (open_purchases > 0);
      ALTER TABLE api_keys ADD COLUMN admin boolean NOT NULL DEFAULT false;
      ALTER TABLE campaigns ADD COLUMN budget_usd numeric(12, 6) CHECK (budget_usd >= 0);
      ALTER TABLE jobs
        ADD COLUMN cancel_requested_at timestamptz,
        -- When the reconciler last looked whether the job's workflow still runs.
        ADD COLUMN looked_at timestamptz;
      CREATE INDEX jobs_open ON jobs (looked_at NULLS FIRST)
        WHERE status IN ('queued', 'planning', 'awaiting_approval', 'generating', 'needs_attention', 'composing');
      ALTER TABLE clips
        -- Images that were ordered by address; fetched into assets before anything is bought.
        ADD COLUMN first_image_url text,
        ADD COLUMN last_image_url text;
      ALTER TABLE assets ADD COLUMN source_url text
    `);
    await knex.raw(`
      ALTER TABLE predictions
        -- Why there is this attempt: see OPENED_BY in domain/purchase.ts.
        ADD COLUMN opened_by text NOT NULL DEFAULT 'order' CHECK (opened_by IN ('order', 'again', 'automatic',
          'decision', 'retry', 'regenerate')),
        -- When a purchase whose answer was lost was found, and where.
        ADD COLUMN adopted_at timestamptz,
        ADD COLUMN adopted_from text CHECK (adopted_from IN ('list', 'webhook', 'history')),
        -- What it gave: kept also where the clip has another version by now.
        ADD COLUMN blob_id uuid REFERENCES blobs (id);
      CREATE INDEX predictions_blob ON predictions (blob_id);
      CREATE INDEX predictions_fingerprint ON predictions (model, fingerprint)
    `);
    await knex.raw(`
      CREATE TABLE strays (
        provider_id text PRIMARY KEY,
        -- The purchase whose fingerprint it bears; null where nothing of ours fits.
        purchase_id uuid REFERENCES predictions (id),
        model text NOT NULL,
        fingerprint text,
        status text NOT NULL,
        estimate_usd numeric(12, 6) NOT NULL DEFAULT 0,
        cost_usd numeric(12, 6),
        reason text NOT NULL,
        -- The provider's time.
        created_at timestamptz NOT NULL,
        found_at timestamptz NOT NULL DEFAULT now(),
        settled_at timestamptz
      );
      CREATE INDEX strays_purchase ON strays (purchase_id);
      CREATE INDEX strays_open ON strays (found_at) WHERE settled_at IS NULL
    `);
    await knex.raw(`
      CREATE TABLE purchasing_paused (
        -- One row while purchasing is paused, else none.
        singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
        code text NOT NULL,
        reason text NOT NULL,
        paused_by text NOT NULL,
        paused_at timestamptz NOT NULL DEFAULT now(),
        -- From when one purchase may go through to see whether the account is in order again; null: a person decides.
        probe_at timestamptz,
        probes integer NOT NULL DEFAULT 0
      );
      CREATE TABLE ledger_clock (
        singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
        -- The ledger knew all purchases up to here.
        at timestamptz NOT NULL,
        -- When the provider's list was last compared with the ledger.
        compared_at timestamptz
      )
    `);
    await knex.raw(`
      ALTER TABLE webhook_inbox
        ADD COLUMN model text,
        -- Of the signed body's input; null where the input is gone.
        ADD COLUMN fingerprint text;
      CREATE INDEX webhook_inbox_fingerprint ON webhook_inbox (model, fingerprint)
    `);
    await knex.raw(`
      CREATE TABLE idempotency_keys (
        owner_id uuid NOT NULL REFERENCES owners (id),
        route text NOT NULL,
        key text NOT NULL,
        body_sha256 text NOT NULL,
        -- Null while the answer is Temporal's to give (updates).
        status integer,
        location text,
        -- json and not jsonb: a repeated answer has its fields in the same order.
        answer json,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (owner_id, route, key)
      );
      CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at)
    `);
  },
};
