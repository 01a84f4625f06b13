import { Readable } from 'node:stream';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { placeJob } from '../../test/support/money-fixtures.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import type { JobJson } from '../schemas/jobs.schema.js';

let api: RunningApi;
let anna: Caller;
let ben: Caller;
let jobId: string;
let jpeg: Buffer;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
  jpeg = await sharp({ create: { width: 64, height: 36, channels: 3, background: '#246' } })
    .jpeg()
    .toBuffer();
  const { knex } = api.database;
  jobId = await placeJob(knex, { ownerId: anna.ownerId, status: 'completed', clips: ['stored'] });
});
afterAll(() => api.stop());

const read = async (): Promise<JobJson> => (await anna.get<JobJson>(`/api/v3/jobs/${jobId}`)).data;
const path = (): string => `/api/v3/videos/${jobId}/poster.jpg`;

test('a poster is named by its job once there is one, with a version that may be cached, for its owner alone', async () => {
  expect((await read()).posterUrl).toBeNull();
  expect((await anna.get(path())).status).toBe(404);

  const blob = await api.deps.blobs.put(Readable.from([jpeg]), { contentType: 'image/jpeg' });
  await api.database.knex('jobs').where({ id: jobId }).update({ poster_blob_id: blob.id });
  const { posterUrl } = await read();
  expect(posterUrl).toMatch(new RegExp(`^${path()}\\?v=[0-9a-f]{12}$`));

  const response = await anna.fetch(posterUrl ?? '');
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'image/jpeg',
    'content-length': String(jpeg.byteLength),
    'cache-control': 'private, max-age=31536000, immutable',
  });
  expect(Buffer.from(await response.arrayBuffer()).equals(jpeg)).toBe(true);
  expect((await ben.get(posterUrl ?? '')).status).toBe(404);
  const unversioned = await anna.fetch(path(), { method: 'HEAD' });
  expect(unversioned.headers.get('cache-control')).not.toContain('immutable');
});
