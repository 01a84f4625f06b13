import { v7 as uuidv7 } from 'uuid';
import { beforeAll, describe, expect, test } from 'vitest';
import { clipsOrder } from '../domain/orders.schema.js';
import { putBytes } from '../test/support/stored-jobs.js';
import { useDatabase } from '../test/support/use-database.js';
import { insertAsset } from './assets-repository.js';
import { deleteAsset } from './delete-asset.js';
import { insertJob, type NewJob } from './insert-job.js';
import { createPostgresBlobStore } from './postgres-blob-store.js';
import { listSubJobs } from './sub-jobs.js';

const MODEL = 'veo-3.1-fast' as const;

const database = useDatabase();
let ownerId: string;
beforeAll(async () => {
  ownerId = uuidv7();
  await database.knex('owners').insert({ id: ownerId, name: 'Anna' });
});

/** Two clips, the second of which begins with the image, and two pieces of music. */
function newJob(firstAssetId: string | null = null): NewJob {
  const clips = [null, firstAssetId].map((image, index) => ({
    number: index + 1,
    sceneName: `scene ${index + 1}`,
    model: MODEL,
    prompt: `clip ${index + 1}`,
    durationSeconds: 4,
    firstAssetId: image,
    lastAssetId: null,
  }));
  const music = [1, 2].map((number) => ({ number, model: 'musicgen', prompt: 'calm', durationSeconds: 8 }) as const);
  const order = clipsOrder.parse({ kind: 'clips', clips: [{ prompt: 'a clip', durationSeconds: 4 }] });
  return { id: uuidv7(), ownerId, name: 'a job', order, estimatedCostUsd: 1, warnings: [], clips, music };
}

const jobsOf = (id: string): Promise<unknown[]> => database.knex('jobs').where({ id }).pluck('name');

async function image(): Promise<string> {
  const size = { width: 1, height: 1, durationSeconds: null };
  const named = { type: 'image', name: 'a.png', contentType: 'image/png', tags: [] as string[] } as const;
  const blobId = await putBytes(createPostgresBlobStore(database.pool), 10, 'image/png');
  const asset = { ownerId, clientId: null, campaignId: null, blobId, ...named, ...size };
  return (await insertAsset(database.knex, asset)).id;
}

describe('insertJob', () => {
  test('stores a job with its clips and its music, which are listed in their order', async () => {
    const assetId = await image();
    const job = newJob(assetId);
    await insertJob(database.knex, job);
    expect(await jobsOf(job.id)).toEqual(['a job']);
    expect(await listSubJobs(database.knex, job.id)).toMatchObject([
      { kind: 'clip', number: 1, status: 'pending', model: MODEL, sceneName: 'scene 1', firstAssetId: null },
      { kind: 'clip', number: 2, status: 'pending', prompt: 'clip 2', sceneName: 'scene 2', firstAssetId: assetId },
      { kind: 'music', number: 1, status: 'pending', model: 'musicgen', durationSeconds: 8, attempt: 0, costUsd: null },
      { kind: 'music', number: 2, status: 'pending', prompt: 'calm', blobId: null, warnings: [], error: null },
    ]);
  });

  test('stores a job of neither', async () => {
    const job = { ...newJob(), clips: [], music: [] };
    await insertJob(database.knex, job);
    expect([await jobsOf(job.id), await listSubJobs(database.knex, job.id)]).toEqual([['a job'], []]);
  });

  test('stores nothing where an image was deleted meanwhile', async () => {
    const assetId = await image();
    await database.knex.transaction((trx) => deleteAsset(trx, ownerId, assetId));
    const job = newJob(assetId);
    await expect(insertJob(database.knex, job)).rejects.toMatchObject({
      code: 'ASSET_NOT_FOUND',
      message: expect.stringContaining('clip 2'),
    });
    expect([await jobsOf(job.id), await listSubJobs(database.knex, job.id)]).toEqual([[], []]);
  });

  test('stores nothing where a part cannot be stored', async () => {
    const job = newJob();
    const [piece] = job.music ?? [];
    await expect(insertJob(database.knex, { ...job, music: [piece, piece] as never })).rejects.toThrow(/duplicate key/);
    expect([await jobsOf(job.id), await listSubJobs(database.knex, job.id)]).toEqual([[], []]);
  });
});
