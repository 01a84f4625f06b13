import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type Database, openDatabase } from '../storage/database.js';
import { migrateToLatest } from '../storage/migrate.js';
import { createPostgresBlobStore } from '../storage/postgres-blob-store.js';
import { CHUNK_SIZE } from '../storage/postgres-blob-writer.js';
import { startEmbeddedPostgres } from '../test/support/embedded-postgres.js';
import type { Answer, Order } from './blob-child.js';
import { BENCH_TABLE, pieces, WAYS, type WayName } from './blob-ways.js';
import { type BenchResult, type Measure, median } from './report.js';

const BYTES = 64 * 1024 * 1024;
const ROUNDS = 9;

const REFERENCES: Partial<Record<WayName, WayName>> = {
  'put: blob store': 'put: bare COPY',
  'put: INSERT': 'put: bare COPY',
  'read: blob store': 'read: bare COPY',
  'read: SELECT': 'read: bare COPY',
};

/** The blob store against bare COPY and against plain statements, each way in a process of its own, in turns. */
export async function benchBlobs(): Promise<BenchResult> {
  const postgres = await startEmbeddedPostgres({ durable: true });
  const database = openDatabase(postgres.url);
  try {
    await migrateToLatest(postgres.url);
    await database.knex.raw(BENCH_TABLE);
    const measures = await measureInTurns(postgres.url, database);
    return {
      name: 'blobs',
      about: `${BYTES / 1024 / 1024} MiB in chunks of ${CHUNK_SIZE / 1024} KiB, embedded Postgres with fsync, medians of ${ROUNDS} rounds`,
      unit: 'MB/s',
      measures,
    };
  } finally {
    await database.close();
    await postgres.stop();
  }
}

async function measureInTurns(databaseUrl: string, database: Database): Promise<Measure[]> {
  const source = pieces(randomBytes(CHUNK_SIZE), BYTES);
  const { id: blobId } = await createPostgresBlobStore(database.pool).put(source, { contentType: 'video/mp4' });
  const names = Object.keys(WAYS) as WayName[];
  const children = new Map(names.map((name) => [name, startChild(name, databaseUrl)]));
  try {
    const answers = new Map<WayName, Answer[]>(names.map((name) => [name, []]));
    for (let round = -1; round < ROUNDS; round += 1) {
      for (const [name, child] of children) {
        const answer = await measureOnce(child, { bytes: BYTES, blobId });
        // The first round warms up: connections, caches, compiled code.
        if (round >= 0) answers.get(name)?.push(answer);
        await tidy(database, blobId);
      }
    }
    return names.map((name) => toMeasure(name, answers));
  } finally {
    for (const child of children.values()) child.disconnect();
  }
}

/** Each round starts with the same tables, and no round pays for the dirty pages of the one before. */
async function tidy(database: Database, blobId: string): Promise<void> {
  await database.knex.raw('TRUNCATE bench_chunks');
  await database.knex('blobs').whereNot({ id: blobId }).delete();
  await database.knex.raw('VACUUM blob_chunks');
  await database.knex.raw('CHECKPOINT');
}

function toMeasure(name: WayName, answers: ReadonlyMap<WayName, readonly Answer[]>): Measure {
  const speeds = (of: WayName): number[] => (answers.get(of) ?? []).map((answer) => answer.megabytesPerSecond);
  const reference = REFERENCES[name];
  return {
    name,
    rounds: speeds(name),
    median: median(speeds(name)),
    ...(reference === undefined ? {} : { reference, ratio: median(speeds(name)) / median(speeds(reference)) }),
    peakRssMb: Math.max(...(answers.get(name) ?? []).map((answer) => answer.peakRssMb)),
  };
}

/** A process that measures one way whenever it is asked to. */
export function startChild(name: WayName, databaseUrl: string): ChildProcess {
  const file = fileURLToPath(new URL('./blob-child.ts', import.meta.url));
  return fork(file, [name], { execArgv: ['--import', 'tsx'], env: { ...process.env, DATABASE_URL: databaseUrl } });
}

export async function measureOnce(child: ChildProcess, order: Order): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => {
      reject(new Error(`expected an answer from the bench process, it ended with ${code}`));
    };
    child.once('exit', onExit);
    child.once('message', (answer) => {
      child.off('exit', onExit);
      resolve(answer as Answer);
    });
    child.send(order);
  });
}
