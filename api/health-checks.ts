import type { Client } from '@temporalio/client';
import type { Knex } from 'knex';
import { findPause } from '../storage/purchasing.js';
import { requireUsableSchema } from '../storage/require-schema.js';
import type { HealthCheck } from './deps.js';

/** The database answers and has a schema that this code can work with. */
export const databaseCheck = (knex: Knex): HealthCheck => ({
  name: 'database',
  async check() {
    await requireUsableSchema(knex);
    return 'ready';
  },
});

/** Whether anything is bought at the moment. */
export const purchasingCheck = (knex: Knex): HealthCheck => ({
  name: 'purchasing',
  check: async () => ((await findPause(knex)) === undefined ? 'ready' : 'paused'),
});

/** Temporal answers and has our namespace. */
export const temporalCheck = (client: Client): HealthCheck => ({
  name: 'temporal',
  async check(signal) {
    const { namespace } = client.options;
    await client.withAbortSignal(signal, () => client.workflowService.describeNamespace({ namespace }));
    return 'ready';
  },
});
