/** Postgres is killed while many download: they get the right bytes or an error, and the next ones get them again. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openDatabase } from '../../storage/database.js';
import { createPostgresBlobStore } from '../../storage/postgres-blob-store.js';
import { type RunningStack, startRunningStack } from '../support/running-stack.js';

const LIMIT_MS = 240_000;
const DOWNLOADS = 32;
const CONTENT = randomBytes(24 * 1024 * 1024);

/** Each byte comes out of the database. */
const NO_CACHE = { BLOB_CACHE_MAX_BYTES: '0', BLOB_MEMORY_BYTES: '0' };

let stack: RunningStack;
let url: string;
beforeAll(async () => {
  stack = await startRunningStack(NO_CACHE);
  const { apiUrl, databaseUrl } = stack.state();
  const { id } = await stack.api.orderVideo({ kind: 'clips', clips: [{ prompt: 'a video to download' }] });
  await fetch(`${apiUrl}/api/v3/jobs/${id}/actions`, {
    method: 'POST',
    headers: { 'x-api-key': stack.state().apiKey, 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'cancel' }),
  });
  const database = openDatabase(databaseUrl);
  const blob = await createPostgresBlobStore(database.pool).put(Readable.from([CONTENT]), { contentType: 'video/mp4' });
  await database.knex('jobs').where({ id }).update({ video_blob_id: blob.id, duration_seconds: 8 });
  await database.close();
  url = `${apiUrl}/api/v3/videos/${id}/combined`;
}, LIMIT_MS);
afterAll(() => stack?.stop(), LIMIT_MS);

interface Download {
  status: number;
  bytes: Buffer;
  /** All that was announced has come. */
  isWhole: boolean;
}

/** Slowly, so that the kill comes in the middle. */
async function download(onByte: () => void = () => undefined): Promise<Download> {
  const request = get(url, { headers: { 'x-api-key': stack.state().apiKey }, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      if (size === 0) onByte();
      pieces.push(piece);
      size += piece.length;
      if (pieces.length % 16 === 0) await sleep(20);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  }
  return { status: response.statusCode ?? 0, bytes: Buffer.concat(pieces), isWhole: response.complete };
}

it(
  'clients get the right bytes or an error, never others, and the service recovers by itself',
  async () => {
    const before = stack.state().pids['postgres'];
    if (before === undefined) throw new Error('expected a Postgres of the stack');
    let begun = 0;
    const downloads = Array.from({ length: DOWNLOADS }, () => download(() => (begun += 1)));
    await vi.waitFor(() => expect(begun).toBe(DOWNLOADS), { timeout: 60_000, interval: 20 });
    process.kill(before, 'SIGKILL');
    for (const { status, bytes, isWhole } of await Promise.all(downloads)) {
      expect(status).toBe(200);
      expect(bytes.equals(CONTENT.subarray(0, bytes.length))).toBe(true);
      if (isWhole) expect(bytes.length).toBe(CONTENT.length);
    }
    await vi.waitFor(() => expect(stack.state().pids['postgres']).not.toBe(before), { timeout: 60_000, interval: 200 });
    const hash = createHash('sha256').update(CONTENT).digest('hex');
    await vi.waitFor(
      async () => {
        const after = await download();
        expect(after.status).toBe(200);
        expect(createHash('sha256').update(after.bytes).digest('hex')).toBe(hash);
      },
      { timeout: 60_000, interval: 500 },
    );
  },
  LIMIT_MS,
);
