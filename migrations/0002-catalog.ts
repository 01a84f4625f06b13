import type { Migration } from './migration.js';

/** Who owns what: owners and their keys, clients, campaigns, assets. */
export const catalog: Migration = {
  name: '0002-catalog',
  async up(knex) {
    await knex.raw(`
      CREATE TABLE owners (
        id uuid PRIMARY KEY,
        name text NOT NULL UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now()
      )
    `);
    await knex.raw(`
      CREATE TABLE api_keys (
        id uuid PRIMARY KEY,
        owner_id uuid NOT NULL REFERENCES owners (id),
        name text NOT NULL,
        key_sha256 text NOT NULL UNIQUE CHECK (key_sha256 ~ '^[0-9a-f]{64}$'),
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        revoked_at timestamptz,
        last_used_at timestamptz
      );
      CREATE INDEX api_keys_owner ON api_keys (owner_id)
    `);
    await knex.raw(`
      CREATE TABLE clients (
        id uuid PRIMARY KEY,
        owner_id uuid NOT NULL REFERENCES owners (id),
        name text NOT NULL,
        description text,
        homepage text,
        brand_guidelines jsonb,
        metadata jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX clients_owner ON clients (owner_id, created_at DESC, id)
    `);
    await knex.raw(`
      CREATE TABLE campaigns (
        id uuid PRIMARY KEY,
        owner_id uuid NOT NULL REFERENCES owners (id),
        client_id uuid NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
        name text NOT NULL,
        goal text NOT NULL,
        status text NOT NULL DEFAULT 'draft' CHECK (status IN ('active', 'archived', 'draft')),
        product_url text,
        brief jsonb,
        metadata jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX campaigns_owner ON campaigns (owner_id, created_at DESC, id);
      CREATE INDEX campaigns_client ON campaigns (client_id)
    `);
    await knex.raw(`
      CREATE TABLE assets (
        id uuid PRIMARY KEY,
        owner_id uuid NOT NULL REFERENCES owners (id),
        client_id uuid REFERENCES clients (id) ON DELETE CASCADE,
        campaign_id uuid REFERENCES campaigns (id) ON DELETE CASCADE,
        blob_id uuid NOT NULL REFERENCES blobs (id),
        type text NOT NULL CHECK (type IN ('image', 'video', 'audio', 'document')),
        name text NOT NULL,
        content_type text NOT NULL,
        width integer,
        height integer,
        duration_seconds double precision,
        tags jsonb NOT NULL DEFAULT '[]',
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX assets_owner ON assets (owner_id, created_at DESC, id);
      CREATE INDEX assets_campaign ON assets (campaign_id);
      CREATE INDEX assets_client ON assets (client_id);
      CREATE INDEX assets_blob ON assets (blob_id)
    `);
  },
};
