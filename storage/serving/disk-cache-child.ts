/** Fills a cache without end, and tells its parent of each blob before it is complete. For the test that kills it. */
import { createHash, randomBytes } from 'node:crypto';
import { DiskCache } from './disk-cache.js';

const [folder, chunkSize] = [process.argv[2] ?? '', Number(process.argv[3])];
const cache = new DiskCache({ folder, maxBytes: 1e9 });
await cache.adopt();
for (;;) {
  const bytes = randomBytes(5 * chunkSize + 3);
  const blob = { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, chunk_size: chunkSize };
  process.send?.(blob);
  for (let n = 0; n < 6; n += 1) cache.keep(blob, n, bytes.subarray(n * chunkSize, (n + 1) * chunkSize));
  await cache.settle();
}
