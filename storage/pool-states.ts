import type { PoolState } from '../telemetry/metrics.js';
import type { Database } from './database.js';

/** What knex's pool (tarn) tells of itself; its types do not name it. */
interface Tarn {
  numUsed(): number;
  numFree(): number;
  numPendingAcquires(): number;
}

/** How the connections of both pools are used: `rows` for queries, `streams` for blobs. */
export function poolStates({ knex, pool }: Database): Record<'rows' | 'streams', () => PoolState> {
  return {
    rows() {
      const tarn = (knex.client as { pool: Tarn }).pool;
      return { used: tarn.numUsed(), idle: tarn.numFree(), waiting: tarn.numPendingAcquires() };
    },
    streams: () => ({
      used: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
  };
}
