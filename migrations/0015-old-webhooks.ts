import type { Migration } from './migration.js';

/** Webhooks are swept by the time they came, in which they also lie: an index of ranges is enough, and costs them nothing. */
export const oldWebhooks: Migration = {
  name: '0015-old-webhooks',
  async up(knex) {
    await knex.raw('CREATE INDEX webhook_inbox_received ON webhook_inbox USING brin (received_at)');
  },
};
