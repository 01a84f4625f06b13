import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ReelwrightError } from '../../domain/errors.js';
import type { ServingBlobStore } from '../../storage/blob-store.js';
import { createServingBlobStore } from '../../storage/serving/serving-blob-store.js';
import { finishedJob } from '../../test/support/finished-job.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';

const MIB = 1024 * 1024;
/** More than the buffers of both ends of a connection take in, so that a client that does not read is noticed. */
const CONTENT = randomBytes(48 * MIB);
const STALL_MS = 2_000;
const LIMIT_MS = 120_000;

let api: RunningApi;
let anna: Caller;
let url: string;
/** Readers of the store that have begun and not ended. */
let reading = 0;
/** Set: after its first piece the store waits for it, and then has no database. */
let away: Promise<void> | undefined;
/** Whether the store gives all of a range as one piece. */
let inOnePiece = false;
beforeAll(async () => {
  api = await startApi({
    config: { stallMs: STALL_MS },
    deps: (deps) => ({ blobs: counted(createServingBlobStore(deps.database.pool, { memoryBytes: 0 })) }),
  });
  anna = await api.caller('Anna');
  const job = await finishedJob(api, anna, CONTENT);
  url = api.url + job.videoUrl;
});
afterAll(() => api?.stop());

function counted(store: ServingBlobStore): ServingBlobStore {
  return {
    ...store,
    async *pieces(id, range) {
      reading += 1;
      try {
        if (away !== undefined) {
          yield CONTENT.subarray(0, MIB);
          await away;
          throw new ReelwrightError('NOT_READY', 'the database is away');
        }
        if (inOnePiece) yield await buffer(store.open(id, range));
        else yield* store.pieces(id, range);
      } finally {
        reading -= 1;
      }
    },
  };
}

/** How often the log says so. */
const said = (text: string): number => api.log().split(text).length - 1;
const busyConnections = (): number => api.database.pool.totalCount - api.database.pool.idleCount;

async function open(
  headers: Record<string, string> = {},
): Promise<{ request: ClientRequest; response: IncomingMessage }> {
  const request = get(url, { headers: { 'x-api-key': anna.key, ...headers }, agent: false });
  request.on('error', () => request.destroy());
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => response.destroy());
  return { request, response };
}

test.each([undefined, 'bytes=100-40000000', 'bytes=0-9,100-40000000'])(
  'a client that waits holds no connection to the database, and nothing is read any more once it leaves (%s)',
  async (range) => {
    const { request, response } = await open(range === undefined ? {} : { range });
    await once(response, 'data');
    response.pause();
    await expect.poll(busyConnections).toBe(0);
    expect(reading).toBe(1);
    request.destroy();
    await expect.poll(() => reading).toBe(0);
    // What was on its way, 4 MiB at most, is taken in first.
    await expect.poll(busyConnections).toBe(0);
    expect(api.log()).not.toContain('"level":50');
  },
);

test('the last piece is the reader’s too until all of it has left: its memory must not be used again before', async () => {
  inOnePiece = true;
  try {
    const { response } = await open();
    const began = (await once(response, 'data')) as [Buffer];
    response.pause();
    await sleep(STALL_MS / 4);
    expect(reading).toBe(1);
    expect(Buffer.concat([...began, await buffer(response)]).equals(CONTENT)).toBe(true);
    await expect.poll(() => reading).toBe(0);
  } finally {
    inOnePiece = false;
  }
});

test(
  'clients that wait leave the api usable for others',
  async () => {
    const waiting = await Promise.all(Array.from({ length: 12 }, () => open()));
    for (const { response } of waiting) response.pause();
    const response = await fetch(url, { headers: { 'x-api-key': anna.key } });
    expect(Buffer.from(await response.arrayBuffer()).equals(CONTENT)).toBe(true);
    for (const { request } of waiting) request.destroy();
    await expect.poll(() => reading).toBe(0);
  },
  LIMIT_MS,
);

test('a client that takes nothing is cut off, without an error in the log', async () => {
  const { response } = await open();
  await once(response, 'data');
  response.pause();
  await expect.poll(() => reading, { timeout: 20_000 }).toBe(0);
  response.resume();
  await new Promise((resolve) => response.once('close', resolve));
  expect(response.complete).toBe(false);
  expect(api.log()).not.toContain('"level":50');
});

test(
  'a client that takes a little at a time gets all of it, however long that takes',
  async () => {
    const { response } = await open();
    const began = performance.now();
    const pieces: Buffer[] = [];
    let paused = 0;
    for await (const piece of response as AsyncIterable<Buffer>) {
      pieces.push(piece);
      if (pieces.reduce((sum, { length }) => sum + length, 0) < (paused + 1) * 4 * MIB) continue;
      paused += 1;
      await sleep(STALL_MS / 5);
    }
    expect(performance.now() - began).toBeGreaterThan(STALL_MS);
    expect(Buffer.concat(pieces).equals(CONTENT)).toBe(true);
  },
  LIMIT_MS,
);

// Last, because the other tests want a log without errors.
test.each([
  ['is an error in the log where its client waits for it', false, 1],
  ['is none where its client has left', true, 0],
])('a database that is away within an answer %s', async (_title, leaves, errors) => {
  let goOn: () => void = () => undefined;
  away = new Promise((resolve) => void (goOn = resolve));
  try {
    const [before, requests] = [said('the answer broke off'), said('"msg":"request"')];
    const { request, response } = await open();
    const closed = new Promise((resolve) => response.once('close', resolve));
    await once(response, 'data');
    if (leaves) {
      request.destroy();
      // Which is when the api has seen that it left.
      await expect.poll(() => said('"msg":"request"')).toBe(requests + 1);
    }
    goOn();
    await closed;
    await expect.poll(() => reading).toBe(0);
    // The reading ends before the answer does.
    await new Promise(setImmediate);
    expect(said('the answer broke off') - before).toBe(errors);
  } finally {
    away = undefined;
  }
});
