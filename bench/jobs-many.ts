import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { v7 as uuidv7 } from 'uuid';
import { startVideoJob, type VideoJobStart } from '../activities/start-video-job.js';
import { Stack } from '../dev/stack.js';
import type { StackState } from '../dev/stack-state.js';
import { clipSubject, generationId, videoJobId } from '../domain/contract.js';
import { clipsOrder } from '../domain/orders.schema.js';
import { type Database, openDatabase } from '../storage/database.js';
import { insertJob } from '../storage/insert-job.js';
import { markRunStarted } from '../storage/jobs-repository.js';
import { createPostgresBlobStore } from '../storage/postgres-blob-store.js';
import { jobStart } from '../test/support/job-start.js';
import { BOUNDS, throughput, webhookDelay } from './many/figures.js';
import type { Command, Message, Role } from './many/worker.js';
import type { BenchResult } from './report.js';

const JOBS = 100;
const CLIPS = 4;
const ROUNDS = 5;
const IDLE_JOBS = 40;
const QUEUES = { ours: 'bench-ours', instant: 'bench-instant', bare: 'bench-bare' } as const;
const SECRET = `whsec_${Buffer.from('the secret of webhooks in a bench').toString('base64')}`;
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const END_WITH_BENCH = new URL('../dev/end-with-supervisor.mjs', import.meta.url).href;

interface Rig {
  client: Client;
  database: Database;
  ownerId: string;
  workers: ChildProcess[];
  /** When the fetch of each prediction began. */
  fetched: Map<string, number>;
}

/**
 * A hundred jobs of four clips at once, with an instant provider in memory whose webhooks come by HTTP, no rate limit,
 * and media work stubbed: against the same workflows with activities that return at once, and against the barest
 * workflows of that shape, in turns on the same server.
 */
export async function benchManyJobs(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'reelwright-bench-many-'));
  const stack = new Stack({
    root: ROOT,
    folder: join(folder, 'stack'),
    env: { ...process.env, LOG_LEVEL: 'warn', REPLICATE_WEBHOOK_SECRET: SECRET },
    print: () => undefined,
  });
  try {
    const state = await stack.start();
    const rig = await openRig(state, join(folder, 'stack'));
    try {
      return await measure(rig);
    } finally {
      await closeRig(rig);
    }
  } finally {
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function openRig(state: StackState, stackFolder: string): Promise<Rig> {
  const connection = await Connection.connect({ address: state.temporalAddress });
  const client = new Client({ connection, namespace: state.temporalNamespace });
  const database = openDatabase(state.databaseUrl, { applicationName: 'bench' });
  const ownerId = uuidv7();
  await database.knex('owners').insert({ id: ownerId, name: 'a bench' });
  const { id: blobId } = await createPostgresBlobStore(database.pool).put(Readable.from([Buffer.from('a clip')]), {
    contentType: 'video/mp4',
  });
  const bundles = join(stackFolder, 'bundles');
  const [flags, arenas] = await workerBounds();
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    MALLOC_ARENA_MAX: arenas,
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
    DATABASE_URL: state.databaseUrl,
    TEMPORAL_ADDRESS: state.temporalAddress,
    TEMPORAL_NAMESPACE: state.temporalNamespace,
    REPLICATE_API_TOKEN: 'none',
    REPLICATE_WEBHOOK_SECRET: SECRET,
    PUBLIC_URL: state.apiUrl,
    SECRET_KEY: 'a secret of a bench, 32 characters or more',
    CREATES_PER_MINUTE: '0',
    // All the jobs are one owner's.
    OPEN_PURCHASES_PER_OWNER: '100000',
    WORKFLOW_BUNDLE_PATH: join(bundles, (await readdir(bundles))[0] ?? ''),
    BENCH_BLOB_ID: blobId,
  };
  const rig: Rig = { client, database, ownerId, workers: [], fetched: new Map() };
  const roles: [Role, string][] = [
    ['ours', QUEUES.ours],
    ['ours-media', QUEUES.ours],
    ['instant', QUEUES.instant],
    ['instant-media', QUEUES.instant],
  ];
  const files: [string, string[]][] = [
    ...roles.map(([role, queue]): [string, string[]] => ['bench/many/worker.ts', [role, queue]]),
    ...['orchestration', 'media'].map((role): [string, string[]] => [
      'bench/floor/worker.ts',
      [role, state.temporalAddress, state.temporalNamespace, QUEUES.bare],
    ]),
  ];
  rig.workers = await Promise.all(files.map(([file, args]) => startWorker(file, args, { env, flags }, rig)));
  return rig;
}

async function startWorker(
  file: string,
  args: string[],
  { env, flags }: { env: NodeJS.ProcessEnv; flags: string[] },
  rig: Rig,
): Promise<ChildProcess> {
  const child = fork(join(ROOT, file), args, {
    execArgv: [...flags, '--import', 'tsx', '--import', END_WITH_BENCH],
    env,
    cwd: ROOT,
    // A group of its own, which ends with the bench.
    detached: true,
  });
  child.on('message', (message: Message) => {
    if (typeof message === 'object' && 'predictionId' in message) {
      rig.fetched.set(message.predictionId, message.fetchedAt);
    }
  });
  await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`${file} ${args.join(' ')} ended with ${code}`))),
  ]);
  return child;
}

/** Memory as `npm run start:worker` bounds it. */
async function workerBounds(): Promise<[flags: string[], arenas: string]> {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<'start:worker', string>;
  };
  const start = scripts['start:worker'];
  const flags = start.match(/--max-[a-z-]+=\d+/g) ?? [];
  const arenas = /MALLOC_ARENA_MAX=(\d+)/.exec(start)?.[1];
  if (flags.length === 0 || arenas === undefined)
    throw new Error(`expected bounds of memory in start:worker, got ${start}`);
  return [flags, arenas];
}

async function closeRig({ workers, client, database }: Rig): Promise<void> {
  for (const child of workers) child.kill('SIGTERM');
  await Promise.all(
    workers.map(async (child) => {
      if (child.exitCode === null) await once(child, 'exit');
    }),
  );
  await database.close();
  await (client.connection as Connection).close();
}

async function measure(rig: Rig): Promise<BenchResult[]> {
  const ours: VideoJobStart[] = [];
  const ways: Record<string, (round: number) => Promise<void>> = {
    'ours: rows, purchases, webhooks': async () => void ours.push(...(await ourJobs(rig, JOBS, CLIPS))),
    'our workflows, activities that return at once': () => instantJobs(rig),
    'the barest workflows of this shape': (round) => bareJobs(rig, round),
  };
  const rounds = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [name, way] of Object.entries(ways)) {
      const began = performance.now();
      await way(round);
      const seconds = (performance.now() - began) / 1000;
      // It takes minutes: whoever waits sees how far it is.
      console.error(`many jobs, round ${round + 1} of ${ROUNDS}, ${name}: ${seconds.toFixed(1)} s`);
      // The first round warms up: connections, caches, compiled code.
      if (round >= 0) rounds.get(name)?.push(JOBS / seconds);
    }
  }
  for (const { jobId } of ours) await requireFewEvents(rig, jobId, CLIPS);
  const peak = await peakRssMb(rig);
  const about = `${JOBS} jobs of ${CLIPS} clips at once, medians of ${ROUNDS} rounds and of their ratios; memory of the worker`;
  return [throughput(about, rounds, peak), webhookDelay(await webhookToFetchMs(rig))];
}

async function ourJobs(rig: Rig, jobs: number, clips: number): Promise<VideoJobStart[]> {
  const starts = Array.from({ length: jobs }, () => startOf(rig, clips));
  // As the api does it: the rows, the start, and a note that it was started.
  const run = async (start: VideoJobStart): Promise<void> => {
    await insert(rig, start);
    await startVideoJob(rig.client, start, { taskQueue: QUEUES.ours });
    await markRunStarted(rig.database.knex, start.jobId, start.runNumber);
    await resultOf(rig, start);
  };
  await Promise.all(starts.map(run));
  return starts;
}

async function instantJobs(rig: Rig): Promise<void> {
  const run = async (): Promise<void> => {
    const start = startOf(rig, CLIPS);
    await startVideoJob(rig.client, start, { taskQueue: QUEUES.instant });
    await resultOf(rig, start);
  };
  await Promise.all(Array.from({ length: JOBS }, run));
}

async function bareJobs({ client }: Rig, round: number): Promise<void> {
  const run = (job: number): Promise<unknown> =>
    client.workflow.execute('bareJob', {
      workflowId: `bare-${round}-${job}`,
      taskQueue: QUEUES.bare,
      args: [CLIPS],
    });
  await Promise.all(Array.from({ length: JOBS }, (_, job) => run(job)));
}

const startOf = ({ ownerId }: Rig, clipCount: number): VideoJobStart =>
  jobStart({ jobId: uuidv7(), ownerId, name: 'a job', clipCount });

async function insert({ database, ownerId }: Rig, { jobId, clipCount }: VideoJobStart): Promise<void> {
  const prompts = Array.from({ length: clipCount }, (_, index) => ({ prompt: `clip ${index}`, durationSeconds: 4 }));
  const order = clipsOrder.parse({ kind: 'clips', clips: prompts });
  await insertJob(database.knex, {
    id: jobId,
    ownerId,
    name: 'a job',
    order,
    estimatedCostUsd: clipCount * 0.4,
    warnings: [],
    clips: order.clips.map(({ prompt }, index) => ({
      number: index + 1,
      sceneName: null,
      model: order.model,
      prompt,
      durationSeconds: 4,
      firstAssetId: null,
      lastAssetId: null,
    })),
  });
}

const resultOf = ({ client }: Rig, { jobId }: VideoJobStart): Promise<unknown> =>
  client.workflow.getHandle(videoJobId(jobId)).result();

async function requireFewEvents({ client }: Rig, jobId: string, clips: number): Promise<void> {
  const eventsOf = async (id: string): Promise<number> =>
    (await client.workflow.getHandle(id).describe()).historyLength;
  const parent = await eventsOf(videoJobId(jobId));
  if (parent > BOUNDS.parentEvents(CLIPS))
    throw new Error(`expected ${BOUNDS.parentEvents(CLIPS)} events of a job, got ${parent}`);
  for (let clip = 1; clip <= clips; clip += 1) {
    const events = await eventsOf(generationId(jobId, clipSubject(clip)));
    if (events > BOUNDS.clipEvents) throw new Error(`expected ${BOUNDS.clipEvents} events of a clip, got ${events}`);
  }
}

async function webhookToFetchMs(rig: Rig): Promise<number[]> {
  for (const child of rig.workers) child.send({ webhookAfterMs: 300 } satisfies Command);
  rig.fetched.clear();
  for (let job = 0; job < IDLE_JOBS; job += 1) await ourJobs(rig, 1, 1);
  const rows = await rig.database
    .knex('webhook_inbox')
    .select({ predictionId: 'prediction_id', receivedAt: 'received_at' });
  const delays = rows.flatMap(({ predictionId, receivedAt }: { predictionId: string; receivedAt: Date }) => {
    const at = rig.fetched.get(predictionId);
    return at === undefined ? [] : [at - receivedAt.getTime()];
  });
  if (delays.length !== IDLE_JOBS) throw new Error(`expected ${IDLE_JOBS} fetches, got ${delays.length}`);
  return delays;
}

async function peakRssMb({ workers: [worker] }: Rig): Promise<number> {
  if (worker === undefined) throw new Error('expected a worker');
  const answer = once(worker, 'message');
  worker.send({ report: true } satisfies Command);
  return ((await answer) as [{ peakRssMb: number }])[0].peakRssMb;
}
