import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHUNK_SIZE } from '../storage/postgres-blob-writer.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../test/support/embedded-postgres.js';
import { type RunningNginx, startNginx } from '../test/support/nginx.js';
import { buildForProduction, type ProductionBuild } from '../test/support/production-build.js';
import { answerOf, startChild } from './child.js';
import { type BenchResult, type Measure, median } from './report.js';
import { type RunningApiProcess, startApiProcess } from './serve/api.js';
import { type Load, type LoadFigures, runLoad, type Target } from './serve/load.js';
import type { ClientsFigures, ClientsOrder } from './serve/slow-clients.js';
import { fillStock, type Stock, type StockVideo } from './serve/stock.js';
import type { LoopFigures, LoopOrder } from './serve/substring-loop.js';

const ROUNDS = 5;
const SECONDS = 2;
const RANGE_BYTES = 64 * 1024;
const RANGE_CLIENTS = 16;
const MEMORY_SECONDS = 10;

const NO_CACHE = { BLOB_CACHE_MAX_BYTES: '0', BLOB_MEMORY_BYTES: '0' };

/** How nginx sends files: as Debian sets it up, and without what holds small answers back on a loopback. */
const NGINX_SETTINGS = {
  'nginx, as Debian has it': 'sendfile on; tcp_nopush on;',
  'nginx, no tcp_nopush': 'sendfile on;',
  'nginx, no sendfile': 'sendfile off; output_buffers 2 256k;',
} as const;
type NginxSetting = keyof typeof NGINX_SETTINGS;
const DEBIAN: NginxSetting = 'nginx, as Debian has it';

interface Bench {
  build: ProductionBuild;
  stock: Stock;
  warm: RunningApiProcess;
  cold: RunningApiProcess;
  whole: { child: ChildProcess; url: string };
  nginx: Record<NginxSetting, RunningNginx>;
  databaseUrl: string;
  folder: string;
}

/** One way of answering, measured as often as the others and in turns with them. */
type Way = () => Promise<number>;

/**
 * The api in front of Postgres against nginx on the same bytes as files, against a server that reads a video whole before
 * it sends it, and against bare queries for parts. The goals are against nginx as Debian sets it up; the fastest of three
 * set-ups is another reference, without a goal.
 */
export async function benchServing(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'reelwright-bench-serve-'));
  const build = await buildForProduction();
  const postgres = await startEmbeddedPostgres({ durable: true });
  try {
    return await withServers(build, postgres, folder);
  } finally {
    await postgres.stop();
    await build.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

async function withServers(build: ProductionBuild, postgres: EmbeddedPostgres, folder: string): Promise<BenchResult[]> {
  const stock = await fillStock(postgres.url, folder);
  const warm = await startApiProcess(build, postgres.url, join(folder, 'warm'), {});
  const cold = await startApiProcess(build, postgres.url, join(folder, 'cold'), NO_CACHE);
  const child = startChild('./serve/whole-blob-server.ts', { DATABASE_URL: postgres.url });
  const whole = { child, url: `http://127.0.0.1:${await answerOf<number>(child)}` };
  const started = await Promise.all(
    (Object.keys(NGINX_SETTINGS) as NginxSetting[]).map(
      async (setting, index) =>
        [setting, await startNginx(NGINX_SETTINGS[setting], stock.files, join(folder, `nginx-${index}`))] as const,
    ),
  );
  const nginx = Object.fromEntries(started) as Bench['nginx'];
  const bench = { build, stock, warm, cold, whole, nginx, databaseUrl: postgres.url, folder };
  try {
    return [await wholeFiles(bench, 16), await wholeFiles(bench, 64), await ranges(bench), await memory(bench)];
  } finally {
    for (const server of Object.values(nginx)) await server.stop();
    child.disconnect();
    await warm.stop();
    await cold.stop();
  }
}

async function wholeFiles(bench: Bench, clients: number): Promise<BenchResult> {
  const { stock, warm, cold, whole } = bench;
  const load = { clients, seconds: SECONDS };
  const speed = (target: Target): Way => way(target, load, ({ megabytesPerSecond }) => megabytesPerSecond);
  const measures = await inTurns({
    ...references(bench, stock.small, speed),
    'api, warm': speed(routeOf(bench, warm, stock.small)),
    'api, cold': speed(routeOf(bench, cold, stock.small)),
    'whole blob read, then sent': speed({ url: `${whole.url}/${stock.small.blobId}`, headers: {} }),
  });
  compareWithNginx(measures, 'api, warm', 0.75);
  compareWithNginx(measures, 'api, cold', 0.3);
  compare(measures, 'whole blob read, then sent', 'api, cold', undefined, 1);
  const about = `11 MB, ${clients} clients for ${SECONDS} s, medians of ${ROUNDS} rounds; cold: no cache on disk or in memory`;
  return { name: `serving a whole file to ${clients}`, about, unit: 'MB/s', measures };
}

async function ranges(bench: Bench): Promise<BenchResult> {
  const { stock, warm, cold, databaseUrl } = bench;
  const { large } = stock;
  const load = {
    clients: RANGE_CLIENTS,
    seconds: SECONDS,
    ranges: { bytes: RANGE_BYTES, fileBytes: large.bytes },
  };
  const rate = (target: Target): Way => way(target, load, ({ requestsPerSecond }) => requestsPerSecond);
  const loop = startChild('./serve/substring-loop.ts', { DATABASE_URL: databaseUrl });
  const order: LoopOrder = {
    blobId: large.blobId,
    fileBytes: large.bytes,
    rangeBytes: RANGE_BYTES,
    chunkBytes: CHUNK_SIZE,
    loops: RANGE_CLIENTS,
    seconds: SECONDS,
  };
  // All of it once, so that the warm api has it on its disk.
  await (await fetch(warm.url + large.path, { headers: { 'X-API-Key': stock.apiKey } })).arrayBuffer();
  const measures = await inTurns({
    ...references(bench, large, rate),
    'bare substring queries': async () => {
      loop.send(order);
      return (await answerOf<LoopFigures>(loop)).requestsPerSecond;
    },
    'api, warm': rate(routeOf(bench, warm, large)),
    'api, cold': rate(routeOf(bench, cold, large)),
  });
  loop.disconnect();
  compareWithNginx(measures, 'api, warm', 0.4);
  compare(measures, 'api, cold', 'bare substring queries', 0.5);
  const about = `${RANGE_BYTES / 1024} KiB at random places of 200 MB, ${RANGE_CLIENTS} clients for ${SECONDS} s, medians of ${ROUNDS} rounds`;
  return { name: 'serving ranges', about, unit: 'requests/s', measures };
}

/** A new process for each number of clients, so that its peak is of them alone. */
async function memory(bench: Bench): Promise<BenchResult> {
  const { build, stock, databaseUrl, folder } = bench;
  const measures: Measure[] = [];
  for (const [kind, env] of [
    ['cache filling, then warm', {}],
    ['no cache', NO_CACHE],
  ] as const) {
    for (const clients of [16, 64]) {
      const api = await startApiProcess(build, databaseUrl, join(folder, `memory-${measures.length}`), env);
      const child = startChild('./serve/slow-clients.ts');
      child.send({ ...routeOf(bench, api, stock.large), clients, seconds: MEMORY_SECONDS } satisfies ClientsOrder);
      const { megabytes } = await answerOf<ClientsFigures>(child);
      const speed = megabytes / MEMORY_SECONDS;
      const peakRssMb = await api.peakRssMb();
      measures.push({ name: `${clients} clients, ${kind}`, rounds: [speed], median: speed, peakRssMb, mostRssMb: 200 });
      child.disconnect();
      await api.stop();
    }
  }
  const about = `clients of 200 MB files for ${MEMORY_SECONDS} s, half of them slow; memory of the api process`;
  return { name: 'memory of serving', about, unit: 'MB/s', measures };
}

const routeOf = ({ stock }: Bench, api: RunningApiProcess, video: StockVideo): Target => ({
  url: api.url + video.path,
  headers: { 'X-API-Key': stock.apiKey },
});

function references({ nginx }: Bench, video: StockVideo, measure: (target: Target) => Way): Record<string, Way> {
  const ways = Object.entries(nginx).map(([name, { url }]) => [
    name,
    measure({ url: `${url}/${video.name}`, headers: {} }),
  ]);
  return Object.fromEntries(ways) as Record<string, Way>;
}

const way =
  (target: Target, load: Load, figure: (figures: LoadFigures) => number): Way =>
  async () =>
    figure(await runLoad(target, load));

async function inTurns(ways: Record<string, Way>): Promise<Measure[]> {
  const rounds = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [name, measure] of Object.entries(ways)) {
      const figure = await measure();
      // The first round warms up: connections, caches, compiled code.
      if (round >= 0) rounds.get(name)?.push(figure);
    }
  }
  return [...rounds].map(([name, figures]) => ({ name, rounds: figures, median: median(figures) }));
}

function fastest(measures: readonly Measure[]): string {
  const nginx = measures.filter(({ name }) => name in NGINX_SETTINGS);
  return nginx.reduce((best, one) => (one.median > best.median ? one : best)).name;
}

function compareWithNginx(measures: Measure[], name: string, atLeast: number): void {
  const own = measures.find((one) => one.name === name);
  if (own === undefined) throw new Error(`expected a measure of ${name}`);
  const { rounds, median: middle } = own;
  compare(measures, name, DEBIAN, atLeast);
  measures.push({ name: `${name}, once more`, rounds, median: middle });
  compare(measures, `${name}, once more`, fastest(measures));
}

function compare(measures: Measure[], name: string, reference: string, atLeast?: number, atMost?: number): void {
  const [one, other] = [measures.find((m) => m.name === name), measures.find((m) => m.name === reference)];
  if (one === undefined || other === undefined) throw new Error(`expected measures of ${name} and ${reference}`);
  Object.assign(one, {
    reference,
    ratio: one.median / other.median,
    ...(atLeast === undefined ? {} : { goal: { atLeast } }),
    ...(atMost === undefined ? {} : { goal: { atMost } }),
  });
}
