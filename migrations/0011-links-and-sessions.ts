import type { Migration } from './migration.js';

/** Who may watch without a key: whoever holds a link to one video, and whoever exchanged a key for a session. */
export const linksAndSessions: Migration = {
  name: '0011-links-and-sessions',
  async up(knex) {
    await knex.raw(`
      CREATE TABLE video_links (
        id uuid PRIMARY KEY,
        -- Whose present video it shows; its owner is the link's owner.
        job_id uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        name text,
        created_at timestamptz NOT NULL DEFAULT now(),
        -- Whole seconds, since the link's token says the same and is made from the row.
        expires_at timestamptz NOT NULL CHECK (expires_at = date_trunc('second', expires_at)),
        revoked_at timestamptz,
        view_count integer NOT NULL DEFAULT 0,
        last_viewed_at timestamptz
      );
      CREATE INDEX video_links_job ON video_links (job_id, created_at DESC, id);
      CREATE TABLE video_link_viewings (
        link_id uuid NOT NULL REFERENCES video_links (id) ON DELETE CASCADE,
        -- A keyed hash of where the viewer's requests come from, and no address.
        viewer text NOT NULL,
        -- When the viewer's last request came before the link expired, give or take minutes.
        seen_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (link_id, viewer)
      )
    `);
    await knex.raw(`
      CREATE TABLE sessions (
        id uuid PRIMARY KEY,
        -- A session has the rights of its key, and ends with it.
        key_id uuid NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL CHECK (expires_at = date_trunc('second', expires_at)),
        revoked_at timestamptz
      );
      CREATE INDEX sessions_key ON sessions (key_id)
    `);
  },
};
