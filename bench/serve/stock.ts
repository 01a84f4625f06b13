/** What the bench serves: two videos of an owner, in the database and as files. */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { jobOrder } from '../../domain/orders.schema.js';
import { type Database, openDatabase } from '../../storage/database.js';
import { insertJob } from '../../storage/insert-job.js';
import { migrateToLatest } from '../../storage/migrate.js';
import { createApiKey } from '../../storage/owners-repository.js';
import { createPostgresBlobStore } from '../../storage/postgres-blob-store.js';

export interface StockVideo {
  /** Of its file below the folder. */
  name: string;
  bytes: number;
  blobId: string;
  /** Of the route that serves it. */
  path: string;
}

export interface Stock {
  apiKey: string;
  files: string;
  /** 11 MB. */
  small: StockVideo;
  /** 200 MB. */
  large: StockVideo;
}

/** Fills the database and the folder. */
export async function fillStock(databaseUrl: string, folder: string): Promise<Stock> {
  await migrateToLatest(databaseUrl);
  const database = openDatabase(databaseUrl);
  try {
    const { key, ownerId } = await createApiKey(database.knex, { owner: 'bench' });
    const files = join(folder, 'files');
    await mkdir(files, { recursive: true });
    const small = await addVideo(database, ownerId, files, 11_000_000);
    const large = await addVideo(database, ownerId, files, 200_000_000);
    await database.knex.raw('CHECKPOINT');
    return { apiKey: key, files, small, large };
  } finally {
    await database.close();
  }
}

async function addVideo({ knex, pool }: Database, ownerId: string, files: string, bytes: number): Promise<StockVideo> {
  const name = `${bytes}.mp4`;
  const file = join(files, name);
  await writeRandom(file, bytes);
  const blob = await createPostgresBlobStore(pool).put(createReadStream(file), { contentType: 'video/mp4' });
  const id = uuidv7();
  const order = jobOrder.parse({ kind: 'clips', clips: [{ prompt: name }] });
  await insertJob(knex, { id, ownerId, name, order, estimatedCostUsd: 0, warnings: [], clips: [] });
  const done = { status: 'completed', video_blob_id: blob.id, duration_seconds: 8, completed_at: knex.fn.now() };
  await knex('jobs').where({ id }).update(done);
  return { name, bytes, blobId: blob.id, path: `/api/v3/videos/${id}/combined` };
}

async function writeRandom(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w');
  const piece = 1_000_000;
  for (let at = 0; at < bytes; at += piece) await file.write(randomBytes(Math.min(piece, bytes - at)));
  await file.close();
}
