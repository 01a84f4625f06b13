/** What is read from the disk lies in buffers that are used again: not before all of it has left. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DiskCache } from '../../storage/serving/disk-cache.js';
import { createServingBlobStore } from '../../storage/serving/serving-blob-store.js';
import { finishedJob } from '../../test/support/finished-job.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';

const KIB = 1024;
const CONTENT = randomBytes(16 * KIB * KIB);
const LIMIT_MS = 120_000;
/**
 * How much a connection takes in by itself is the kernel's own affair. Of answers in steps of less than a chunk one at
 * least ends where its last piece has begun to leave and cannot.
 */
const SIZES = Array.from({ length: 60 }, (_, index) => (index + 1) * 128 * KIB);
/** Few enough that what they give back is taken again, and not let go. */
const AT_ONCE = 10;

let api: RunningApi;
let anna: Caller;
let url: string;
let folder: string;
let disk: DiskCache;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelwright-buffers-test-'));
  disk = new DiskCache({ folder, maxBytes: 2 * CONTENT.length, pendingBytes: CONTENT.length });
  await disk.adopt();
  api = await startApi({
    deps: (deps) => ({ blobs: createServingBlobStore(deps.database.pool, { memoryBytes: 0, disk }) }),
  });
  anna = await api.caller('Anna');
  url = api.url + (await finishedJob(api, anna, CONTENT)).videoUrl;
});
afterAll(async () => {
  await api?.stop();
  await disk?.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(bytes: number): Promise<IncomingMessage> {
  const headers = { 'x-api-key': anna.key, range: `bytes=0-${bytes - 1}` };
  const [response] = (await once(get(url, { headers, agent: false }), 'response')) as [IncomingMessage];
  return response.pause();
}

const whole = async (): Promise<Buffer> => await buffer(await open(CONTENT.length));

test(
  'clients that wait at any place get the right bytes, whoever reads meanwhile',
  async () => {
    expect((await whole()).equals(CONTENT)).toBe(true);
    await disk.settle();
    expect(disk.bytes).toBe(CONTENT.length);
    for (let from = 0; from < SIZES.length; from += AT_ONCE) {
      const sizes = SIZES.slice(from, from + AT_ONCE);
      const waiting = await Promise.all(sizes.map(open));
      const others = await Promise.all(Array.from({ length: 2 * AT_ONCE }, whole));
      for (const bytes of others) expect(bytes.equals(CONTENT)).toBe(true);
      for (const [index, response] of waiting.entries()) {
        const size = sizes[index] ?? 0;
        expect((await buffer(response)).equals(CONTENT.subarray(0, size)), `the first ${size} bytes`).toBe(true);
      }
    }
  },
  LIMIT_MS,
);
