import type { Client } from '@temporalio/client';
import { type BatchStart, startBatch } from '../activities/start-batch.js';

/** Hands a batch to Temporal that was ordered. */
export interface BatchStarter {
  /** Resolves once Temporal has its workflow. Rejects, within a bounded time, when it could not be told. */
  start(batch: BatchStart): Promise<void>;
}

/** Starts them through the client; gives up after `deadlineMs`, since a request must not wait for Temporal. */
export function createTemporalBatchStarter(
  client: Client,
  { deadlineMs = 5_000 }: { deadlineMs?: number } = {},
): BatchStarter {
  return {
    start: (batch) => client.withDeadline(Date.now() + deadlineMs, () => startBatch(client, batch)),
  };
}
