import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { revokeApiKey } from '../../storage/owners-repository.js';
import { finishedJob } from '../../test/support/finished-job.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';

const REMEMBERED_MS = 3_000;
const CONTENT = randomBytes(100_000);

let api: RunningApi;
let anna: Caller;
let ben: Caller;
let path: string;
/** Queries of the rows that say what a request is answered with. */
let lookUps = 0;
beforeAll(async () => {
  api = await startApi({ config: { answersRememberedForMs: REMEMBERED_MS } });
  [anna, ben] = [await api.caller('Anna'), await api.caller('Ben')];
  path = (await finishedJob(api, anna, CONTENT)).videoUrl;
  api.database.knex.on('query', () => (lookUps += 1));
});
afterAll(() => api?.stop());

const statusOf = async (caller: Caller, of: string, init?: RequestInit): Promise<number> =>
  (await caller.fetch(of, init)).status;

test('ranges of one address are answered without looking anything up again', async () => {
  await statusOf(anna, path);
  lookUps = 0;
  for (const [start, end] of [
    [0, 9],
    [50_000, 60_000],
    [99_999, 99_999],
  ] as const) {
    const response = await anna.fetch(path, { headers: { range: `bytes=${start}-${end}` } });
    expect(response.status).toBe(206);
    expect(Buffer.from(await response.arrayBuffer()).equals(CONTENT.subarray(start, end + 1))).toBe(true);
  }
  expect(await statusOf(anna, path, { method: 'HEAD' })).toBe(200);
  expect(lookUps).toBe(0);
});

test('what is remembered holds for its own caller, address and method alone', async () => {
  expect(await statusOf(anna, path)).toBe(200);
  expect(await statusOf(ben, path)).toBe(404);
  expect((await fetch(api.url + path)).status).toBe(401);
  expect((await fetch(api.url + path, { headers: { cookie: `a=${anna.key}` } })).status).toBe(401);
  expect((await fetch(api.url + path, { headers: { authorization: `Bearer ${anna.key}` } })).status).toBe(200);
  expect((await fetch(api.url + path, { headers: { authorization: `Bearer ${ben.key}` } })).status).toBe(404);
  expect(await statusOf(anna, path, { method: 'DELETE' })).toBe(405);
  const unversioned = await anna.fetch(path.split('?')[0] ?? '');
  expect(unversioned.headers.get('cache-control')).toBe('private, no-cache');
});

test('a key that is revoked opens nothing any more once the moment is over', async () => {
  const carla = await api.caller('Carla');
  const own = (await finishedJob(api, carla, randomBytes(10))).videoUrl;
  expect(await statusOf(carla, own)).toBe(200);
  const keys = await api.database.knex('api_keys').where({ owner_id: carla.ownerId }).select('id');
  for (const { id } of keys as { id: string }[]) await revokeApiKey(api.database.knex, id);
  await sleep(REMEMBERED_MS);
  expect(await statusOf(carla, own)).toBe(401);
});

test('the log names the owner also where the answer was remembered', async () => {
  const paths = path.split('?')[0] ?? '';
  const before = api.log().length;
  for (let time = 0; time < 2; time += 1) await (await anna.fetch(path)).arrayBuffer();
  const lines = (): string[] =>
    api
      .log()
      .slice(before)
      .split('\n')
      .filter((line) => line.includes(paths));
  await expect.poll(() => lines().length).toBe(2);
  for (const line of lines()) expect(JSON.parse(line)).toMatchObject({ status: 200, ownerId: anna.ownerId });
});
