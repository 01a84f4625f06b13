/** The bare loop that ranges out of a cold store are compared with: queries for parts of chunks, one after the other. */
import { randomInt } from 'node:crypto';
import pg from 'pg';

export interface LoopOrder {
  blobId: string;
  fileBytes: number;
  rangeBytes: number;
  chunkBytes: number;
  /** How many of these loops run at once, each on a connection of its own. */
  loops: number;
  seconds: number;
}

export interface LoopFigures {
  requestsPerSecond: number;
}

async function loop(url: string, order: LoopOrder, until: number): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let done = 0;
  while (performance.now() < until) {
    const start = randomInt(order.fileBytes - order.rangeBytes);
    const end = start + order.rangeBytes;
    let got = 0;
    for (let at = start; at < end; ) {
      const n = Math.floor(at / order.chunkBytes);
      const length = Math.min(end, (n + 1) * order.chunkBytes) - at;
      const { rows } = await client.query<{ part: Buffer }>({
        name: 'part',
        text: 'SELECT substring(data FROM $3 FOR $4) AS part FROM blob_chunks WHERE blob_id = $1 AND n = $2',
        values: [order.blobId, n, at - n * order.chunkBytes + 1, length],
      });
      got += rows[0]?.part.length ?? 0;
      at += length;
    }
    if (got !== order.rangeBytes) throw new Error(`expected ${order.rangeBytes} bytes, got ${got}`);
    done += 1;
  }
  await client.end();
  return done;
}

process.on('message', (order: LoopOrder) => {
  const began = performance.now();
  const until = began + order.seconds * 1000;
  const url = process.env['DATABASE_URL'] ?? '';
  Promise.all(Array.from({ length: order.loops }, () => loop(url, order, until))).then(
    (counts) => {
      const seconds = (performance.now() - began) / 1000;
      const figures: LoopFigures = { requestsPerSecond: counts.reduce((sum, count) => sum + count, 0) / seconds };
      process.send?.(figures);
    },
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
