import { randomBytes } from 'node:crypto';
import { openDatabase } from '../storage/database.js';
import { createPostgresBlobStore } from '../storage/postgres-blob-store.js';
import { CHUNK_SIZE } from '../storage/postgres-blob-writer.js';
import { type Setting, WAYS, type WayName } from './blob-ways.js';

/** Runs in a process of its own per way, so that its peak memory is its own: measures once per message from the bench. */
export interface Order {
  bytes: number;
  blobId: string;
}

export interface Answer {
  megabytesPerSecond: number;
  /** The highest so far, in megabytes. */
  peakRssMb: number;
  /** By how much the process was larger than before at the most while it measured, in megabytes; looked at every 20 ms. */
  grownMb: number;
}

const way = WAYS[process.argv[2] as WayName];
const database = openDatabase(process.env['DATABASE_URL'] ?? '', { streamPoolMax: 1 });
const store = createPostgresBlobStore(database.pool);
const chunk = randomBytes(CHUNK_SIZE);

async function measure(order: Order): Promise<Answer> {
  const setting: Setting = { ...order, pool: database.pool, store, chunk };
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
  const start = process.hrtime.bigint();
  const moved = await way(setting);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  clearInterval(timer);
  if (moved !== order.bytes) throw new Error(`expected to move ${order.bytes} bytes, moved ${moved}`);
  return {
    megabytesPerSecond: moved / 1e6 / seconds,
    peakRssMb: (process.resourceUsage().maxRSS * 1024) / 1e6,
    grownMb: (most - before) / 1e6,
  };
}

process.on('message', (order: Order) => {
  measure(order).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
