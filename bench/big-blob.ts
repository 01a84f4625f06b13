import { randomBytes } from 'node:crypto';
import { type Database, openDatabase } from '../storage/database.js';
import { migrateToLatest } from '../storage/migrate.js';
import { createPostgresBlobStore } from '../storage/postgres-blob-store.js';
import { CHUNK_SIZE } from '../storage/postgres-blob-writer.js';
import { startEmbeddedPostgres } from '../test/support/embedded-postgres.js';
import { measureOnce, startChild } from './blob.js';
import type { Answer } from './blob-child.js';
import { BENCH_TABLE, pieces, type WayName } from './blob-ways.js';
import { type BenchResult, median } from './report.js';

const GIB = 1024 ** 3;
const ROUNDS = 3;
/** What a put of 1 GiB is held to: a part of bare COPY's speed, and growth of its process in megabytes. */
const GOAL_RATIO = 0.6;
const GOAL_GROWTH_MB = 64;

const OURS: WayName = 'put: blob store';
const BARE: WayName = 'put: bare COPY';

/** A put of 1 GiB against bare COPY, in turns, and how much memory the process that puts takes for it. */
export async function benchBigBlob(bytes = GIB, rounds = ROUNDS): Promise<BenchResult[]> {
  const postgres = await startEmbeddedPostgres({ durable: true });
  // Deleting a gigabyte takes longer than a query otherwise may.
  const database = openDatabase(postgres.url, { statementTimeoutMs: 0 });
  try {
    await migrateToLatest(postgres.url);
    await database.knex.raw(BENCH_TABLE);
    const [ours, bare] = await inTurns(postgres.url, database, { bytes, rounds });
    const speeds = (answers: readonly Answer[]): number[] => answers.map((answer) => answer.megabytesPerSecond);
    const growth = ours.map((answer) => answer.grownMb);
    const size = `${bytes / 1024 / 1024} MiB in chunks of ${CHUNK_SIZE / 1024} KiB`;
    return [
      {
        name: 'a put of 1 GiB',
        about: `${size}, embedded Postgres with fsync, medians of ${rounds} rounds`,
        unit: 'MB/s',
        measures: [
          {
            name: OURS,
            rounds: speeds(ours),
            median: median(speeds(ours)),
            reference: BARE,
            ratio: median(speeds(ours)) / median(speeds(bare)),
            goal: { atLeast: GOAL_RATIO },
          },
          { name: BARE, rounds: speeds(bare), median: median(speeds(bare)) },
        ],
      },
      {
        name: 'the memory of a put of 1 GiB',
        about: `by how much the putting process grows, after a put of 64 MiB`,
        unit: 'MB',
        measures: [
          {
            name: OURS,
            rounds: growth,
            median: median(growth),
            peakRssMb: Math.max(...growth),
            mostRssMb: GOAL_GROWTH_MB,
          },
        ],
      },
    ];
  } finally {
    await database.close();
    await postgres.stop();
  }
}

async function inTurns(
  databaseUrl: string,
  database: Database,
  { bytes, rounds }: { bytes: number; rounds: number },
): Promise<[Answer[], Answer[]]> {
  const warmUp = 64 * 1024 * 1024;
  const { id: blobId } = await createPostgresBlobStore(database.pool).put(pieces(randomBytes(CHUNK_SIZE), CHUNK_SIZE), {
    contentType: 'video/mp4',
  });
  const [ours, bare] = [startChild(OURS, databaseUrl), startChild(BARE, databaseUrl)];
  try {
    const answers: [Answer[], Answer[]] = [[], []];
    for (let round = -1; round < rounds; round += 1) {
      for (const [index, child] of [ours, bare].entries()) {
        const answer = await measureOnce(child, { bytes: round < 0 ? warmUp : bytes, blobId });
        if (round >= 0) answers[index]?.push(answer);
        await database.knex.raw('TRUNCATE bench_chunks');
        await database.knex('blobs').whereNot({ id: blobId }).delete();
        await database.knex.raw('VACUUM blob_chunks');
        await database.knex.raw('CHECKPOINT');
      }
    }
    return answers;
  } finally {
    ours.disconnect();
    bare.disconnect();
  }
}
