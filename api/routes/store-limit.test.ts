import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { clipBytes, orderBytes } from '../../domain/storage-estimate.js';
import { lockRoom } from '../../storage/store-room.js';
import { uploadImage } from '../../test/support/api-fixtures.js';
import { clips, order, refused } from '../../test/support/job-orders.js';
import { type Caller, form, type RunningApi, startApi } from '../../test/support/running-api.js';
import { placeStoredJob, putBytes } from '../../test/support/stored-jobs.js';

let api: RunningApi;
let anna: Caller;
afterEach(() => api.stop());

async function start(maxStoreBytes: number | undefined): Promise<void> {
  api = await startApi({ config: { maxStoreBytes } });
  anna = await api.caller('Anna', { admin: true });
}
const knex = (): RunningApi['database']['knex'] => api.database.knex;

/** What one order of `clips('x')` is taken to need. */
const ONE = orderBytes({
  resolution: '1080p',
  transition: 'cut',
  clips: [{ model: 'veo-3.1-fast', durationSeconds: 8, stored: false }],
  music: [],
  images: 0,
});

interface Storage {
  blobs: number;
  bytes: number;
  kinds: { kind: string; blobs: number; bytes: number }[];
  orphans: { blobs: number; bytes: number };
  reservedBytes: number;
  diskBytes: number;
  limitBytes: number | null;
  freeBytes: number | null;
}
const storage = async (): Promise<Storage> => (await anna.get<Storage>('/api/v3/admin/storage')).data;

describe('the limit of the store', () => {
  test('refuses an order that would not fit, before there is a row of it, and says how much is left', async () => {
    await start(ONE - 1);
    const answer = await refused(api, anna, clips('x'));
    expect([answer.status, answer.error?.code]).toEqual([507, 'STORAGE_FULL']);
    expect(answer.error?.message).toMatch(/expected room for 50 MB in the store of 50 MB; 0.0 MB are stored/);
    expect((await anna.post('/api/v3/jobs/dry-run', clips('x'))).error?.code).toBe('STORAGE_FULL');
  });

  test('takes just what fits, and gives the room back when a job is over', async () => {
    await start(ONE);
    const dryRun = await anna.post<{ estimatedBytes: number }>('/api/v3/jobs/dry-run', clips('x'));
    expect(dryRun.data.estimatedBytes).toBe(ONE);
    const { status, data: job } = await order(anna, clips('x'));
    expect(status).toBe(202);
    expect((await order(anna, clips('x'))).status).toBe(507);
    await anna.post(`/api/v3/jobs/${job.id}/actions`, { action: 'cancel' });
    await knex()('jobs').where({ id: job.id }).update({ status: 'cancelled' });
    expect((await order(anna, clips('x'))).status).toBe(202);
  });

  test('lets in as many of fifty orders at once as fit, from several owners', async () => {
    await start(7 * ONE + 10);
    const ben = await api.caller('Ben');
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => order(index % 2 === 0 ? anna : ben, clips(`prompt ${index}`))),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 202)).toHaveLength(7);
    expect(statuses.filter((status) => status === 507)).toHaveLength(43);
    expect(await api.countRows('jobs')).toBe(7);
    expect((await storage()).reservedBytes).toBe(7 * ONE);
  });

  test('has an order wait for whoever is being let in, and counts that', async () => {
    await start(ONE);
    const other = await knex().transaction();
    await lockRoom(other);
    const ordering = order(anna, clips('x'));
    const waiting = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`;
    await expect.poll(async () => (await knex().raw(waiting)).rows.length, { timeout: 10_000 }).toBe(1);
    await other('room_reservations').insert({ id: randomUUID(), bytes: 1, expires_at: new Date(Date.now() + 60_000) });
    await other.commit();
    expect((await ordering).status).toBe(507);
  });

  test('forgets the room of an upload whose process has died', async () => {
    await start(ONE);
    await knex()('room_reservations').insert({
      id: randomUUID(),
      bytes: ONE,
      expires_at: new Date(Date.now() - 60_000),
    });
    expect((await order(anna, clips('x'))).status).toBe(202);
  });

  test('counts a clip that is stored by its bytes and no longer by its estimate', async () => {
    await start(10 * ONE);
    const { data: job } = await order(anna, clips('x'));
    const blobId = await putBytes(api.deps.blobs, 5_000);
    await knex()('jobs').where({ id: job.id }).update({ status: 'generating' });
    await knex()('clips').where({ job_id: job.id }).update({ status: 'stored', blob_id: blobId });
    const { bytes, reservedBytes, freeBytes } = await storage();
    expect([bytes, reservedBytes]).toEqual([5_000, ONE - clipBytes('veo-3.1-fast', '1080p', 8)]);
    expect(freeBytes).toBe(10 * ONE - bytes - reservedBytes);
  });

  test('holds for what is made again: retry and regenerate are refused, and nothing is opened', async () => {
    await start(60_000);
    const failed = await placeStoredJob(knex(), api.deps.blobs, { ownerId: anna.ownerId, status: 'failed' });
    const done = await placeStoredJob(knex(), api.deps.blobs, { ownerId: anna.ownerId });
    const purchases = await api.countRows('predictions');
    const retried = await anna.post(`/api/v3/jobs/${failed.jobId}/actions`, { action: 'retry' });
    const again = await anna.post(`/api/v3/jobs/${done.jobId}/clips/1/regenerate`, {});
    expect([retried.error?.code, again.error?.code]).toEqual(['STORAGE_FULL', 'STORAGE_FULL']);
    expect(await api.countRows('predictions')).toBe(purchases);
    expect(
      await knex()('jobs').whereIn('id', [failed.jobId, done.jobId]).orderBy('created_at').pluck('status'),
    ).toEqual(['failed', 'completed']);
  });

  test('holds for exports and combinations, which count until they are made', async () => {
    await start(22_000);
    const job = await placeStoredJob(knex(), api.deps.blobs, { ownerId: anna.ownerId });
    const other = await placeStoredJob(knex(), api.deps.blobs, { ownerId: anna.ownerId });
    const exported = () => anna.post(`/api/v3/videos/${job.jobId}/exports`, { format: 'webm', quality: 'low' });
    const combined = await anna.post('/api/v3/videos/combine', { videoIds: [job.jobId, other.jobId] });
    expect([combined.status, (await storage()).freeBytes]).toEqual([202, 2_000]);
    await putBytes(api.deps.blobs, 1_500);
    expect((await exported()).error?.code).toBe('STORAGE_FULL');
    await knex()('blobs').where({ size: 1_500 }).delete();
    expect((await exported()).status).toBe(202);
  });

  test('refuses uploads beyond it, and keeps nothing of them', async () => {
    await start(20_000);
    const text = (size: number) =>
      form({ file: Buffer.from(randomBytes(size / 2).toString('hex')), name: 'x', type: 'document' });
    expect((await anna.post('/api/v3/assets', text(15_000))).status).toBe(201);
    const beyond = await anna.post('/api/v3/assets', text(6_000));
    expect([beyond.status, beyond.error?.code]).toEqual([507, 'STORAGE_FULL']);
    expect([await api.countRows('blobs'), await api.countRows('assets')]).toEqual([1, 1]);
    expect([await api.countRows('room_reservations'), await api.uploadsLeft()]).toEqual([0, []]);
    expect((await anna.post('/api/v3/assets', text(4_000))).status).toBe(201);
  });

  test('lets in as many uploads at once as fit', async () => {
    await start(35_000);
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        anna.post(
          '/api/v3/assets',
          form({ file: Buffer.from(randomBytes(5_000).toString('hex')), name: 'x', type: 'document' }),
        ),
      ),
    );
    const stored = answers.filter(({ status }) => status === 201).length;
    expect(stored).toBeLessThanOrEqual(3);
    expect(stored).toBeGreaterThan(0);
    expect((await storage()).bytes).toBe(stored * 10_000);
    expect(answers.filter(({ status }) => status !== 201).every(({ error }) => error?.code === 'STORAGE_FULL')).toBe(
      true,
    );
  });
});

describe('the figures of the store', () => {
  test('say what is stored, of what kind, what nothing refers to, and that there is no limit', async () => {
    await start(undefined);
    await placeStoredJob(knex(), api.deps.blobs, { ownerId: anna.ownerId });
    const asset = await uploadImage(anna);
    await putBytes(api.deps.blobs, 777);
    const figures = await storage();
    expect(figures).toMatchObject({
      blobs: 11,
      bytes: 9_000 + asset.sizeBytes + 777,
      orphans: { blobs: 1, bytes: 777 },
      reservedBytes: 0,
      limitBytes: null,
      freeBytes: null,
    });
    expect(Object.fromEntries(figures.kinds.map(({ kind, blobs }) => [kind, blobs]))).toEqual({
      previews: 4,
      purchases: 2,
      videos: 1,
      clips: 1,
      music: 1,
      renditions: 1,
      assets: 1,
    });
    expect(figures.diskBytes).toBeGreaterThan(figures.bytes);
  });

  test('are for admins', async () => {
    await start(undefined);
    expect((await (await api.caller('Ben')).get('/api/v3/admin/storage')).status).toBe(403);
  });
});

test('a job whose time is over says so, and its addresses answer 410', async () => {
  api = await startApi({ config: { retentionDays: 30 } });
  anna = await api.caller('Anna');
  const { jobId, exportId } = await placeStoredJob(knex(), api.deps.blobs, { ownerId: anna.ownerId, endedDaysAgo: 10 });
  const path = `/api/v3/jobs/${jobId}`;
  const before = (await anna.get<{ completedAt: string; mediaExpiresAt: string; mediaDeletedAt: null }>(path)).data;
  expect(Date.parse(before.mediaExpiresAt) - Date.parse(before.completedAt)).toBe(30 * 86_400_000);
  expect(before.mediaDeletedAt).toBeNull();
  const { expireJob } = await import('../../storage/remove-media.js');
  expect(await expireJob(knex(), jobId)).toBe(true);
  const { data } = await anna.get<Record<string, unknown>>(path);
  expect(data).toMatchObject({
    status: 'completed',
    videoUrl: null,
    posterUrl: null,
    thumbnailUrl: null,
    previewsUrl: null,
    sizeBytes: null,
    durationSeconds: 4,
    actualCostUsd: 0.8,
    mediaExpiresAt: null,
    mediaDeletedAt: expect.any(String),
    clips: [{ status: 'stored', videoUrl: null }],
    music: [{ status: 'stored', audioUrl: null }],
  });
  for (const bytes of [
    'combined',
    'clips/clip_001.mp4',
    'poster.jpg',
    'thumbnail.jpg',
    'sprites.jpg',
    'thumbnails.vtt',
    'music/1',
  ]) {
    const answer = await anna.get(`/api/v3/videos/${jobId}/${bytes}`);
    expect([bytes, answer.status, answer.error?.code]).toEqual([bytes, 410, 'MEDIA_DELETED']);
  }
  expect((await anna.get(`/api/v3/exports/${exportId}/data`)).status).toBe(410);
  expect((await anna.get(`/api/v3/exports/${exportId}`)).data).toMatchObject({
    status: 'completed',
    dataUrl: null,
    mediaDeletedAt: expect.any(String),
  });
  expect((await anna.post(`/api/v3/videos/${jobId}/exports`, { format: 'mp4', quality: 'low' })).status).toBe(409);
  const again = await anna.post(`${path}/clips/1/regenerate`, {});
  expect([again.status, again.error?.message]).toEqual([409, expect.stringContaining('whose media were deleted on')]);
  expect((await anna.get(`${path}/ledger`)).status).toBe(200);
});

test('a campaign has its own days, which can be changed and cleared', async () => {
  api = await startApi({ config: { retentionDays: 30 } });
  anna = await api.caller('Anna');
  const client = await anna.post<{ id: string }>('/api/v3/clients', { name: 'Villas' });
  const body = { clientId: client.data.id, name: 'Spring', goal: 'bookings' };
  const { data } = await anna.post<{ id: string; retentionDays: number | null }>('/api/v3/campaigns', {
    ...body,
    retentionDays: 3,
  });
  expect(data.retentionDays).toBe(3);
  const { jobId } = await placeStoredJob(knex(), api.deps.blobs, { ownerId: anna.ownerId, campaignId: data.id });
  const days = async (): Promise<number> => {
    const { data: job } = await anna.get<{ completedAt: string; mediaExpiresAt: string }>(`/api/v3/jobs/${jobId}`);
    return (Date.parse(job.mediaExpiresAt) - Date.parse(job.completedAt)) / 86_400_000;
  };
  expect(await days()).toBe(3);
  await anna.patch(`/api/v3/campaigns/${data.id}`, { retentionDays: 90 });
  expect(await days()).toBe(90);
  expect((await anna.patch(`/api/v3/campaigns/${data.id}`, { retentionDays: null })).data['retentionDays']).toBeNull();
  expect(await days()).toBe(30);
  for (const retentionDays of [0, -1, 1.5, '7', 36_501]) {
    expect((await anna.patch(`/api/v3/campaigns/${data.id}`, { retentionDays })).status).toBe(422);
  }
});
