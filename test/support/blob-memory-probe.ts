import { openDatabase } from '../../storage/database.js';
import { createPostgresBlobStore } from '../../storage/postgres-blob-store.js';

/**
 * A process of its own, so that nothing else is in the figure: `put` or `read` a blob of so many bytes in the database
 * at DATABASE_URL, and print `{bytes, growth}`: what came through, and by how many bytes resident memory rose above its
 * level after a small blob.
 */
const [direction, size] = [process.argv[2], Number(process.argv[3])];
const WARM_UP_BYTES = 4 * 1024 * 1024;

const database = openDatabase(process.env['DATABASE_URL'] ?? '');
const store = createPostgresBlobStore(database.pool);

async function* generated(bytes: number): AsyncGenerator<Uint8Array> {
  // Other content in each process: what is stored already would not be stored again.
  const seed = process.hrtime.bigint();
  for (let left = bytes, n = 0n; left > 0; n += 1n) {
    const piece = Buffer.alloc(Math.min(left, 65_536));
    if (piece.length >= 16) piece.writeBigUInt64BE(n + seed);
    left -= piece.length;
    yield piece;
  }
}

async function putBytes(bytes: number): Promise<string> {
  const ref = await store.put(generated(bytes), { contentType: 'video/mp4' });
  return ref.id;
}

async function readBytes(id: string): Promise<number> {
  let bytes = 0;
  for await (const piece of store.open(id)) bytes += (piece as Buffer).length;
  return bytes;
}

await readBytes(await putBytes(WARM_UP_BYTES));
const id = direction === 'read' ? await putBytes(size) : undefined;
const level = process.memoryUsage.rss();
let peak = level;
const sampler = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 5);
const bytes = id === undefined ? ((await store.stat(await putBytes(size)))?.size ?? 0) : await readBytes(id);
clearInterval(sampler);
process.stdout.write(JSON.stringify({ bytes, growth: peak - level }));
await database.close();
