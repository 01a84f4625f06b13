import type { Migration } from './migration.js';

/** The bytes of images, clips and videos: one row per blob, its content in chunk rows. */
export const blobs: Migration = {
  name: '0001-blobs',
  async up(knex) {
    await knex.raw(`
      CREATE TABLE blobs (
        id uuid PRIMARY KEY,
        sha256 text NOT NULL UNIQUE CHECK (sha256 ~ '^[0-9a-f]{64}$'),
        size bigint NOT NULL CHECK (size >= 0),
        chunk_size integer NOT NULL CHECK (chunk_size > 0),
        content_type text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        last_put_at timestamptz NOT NULL DEFAULT now()
      )
    `);
    await knex.raw(`
      COMMENT ON COLUMN blobs.last_put_at IS
        'When these bytes were last put. A clean-up spares fresh blobs: whoever put one may not refer to it yet.'
    `);
    // Deferred, because a blob's row needs its hash and that is known only after its last chunk.
    await knex.raw(`
      CREATE TABLE blob_chunks (
        blob_id uuid NOT NULL REFERENCES blobs (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
        n integer NOT NULL CHECK (n >= 0),
        data bytea NOT NULL,
        PRIMARY KEY (blob_id, n)
      )
    `);
    // Video does not compress: trying costs three times the write, and parts of a compressed value cannot be read alone.
    await knex.raw('ALTER TABLE blob_chunks ALTER COLUMN data SET STORAGE EXTERNAL');
  },
};
