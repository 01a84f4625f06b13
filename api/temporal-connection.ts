import { Connection } from '@temporalio/client';
import type { TemporalConnectionOptions } from '../config/temporal.js';

/**
 * A connection that is made on first use and repeats no call by itself. The client's own retries are left out: one that
 * is still scheduled when the connection is closed throws outside of any promise and ends the process. What fails here
 * is repeated elsewhere: starts by the reconciler, webhooks from the inbox.
 */
export function lazyTemporalConnection(options: TemporalConnectionOptions): Connection {
  return Connection.lazy({ ...options, interceptors: [] });
}
