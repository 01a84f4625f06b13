/** Production as an operator runs it, for tests of deploys: an api, and workers of one build or of several side by side. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { DemoClient, type DemoJob } from '../../dev/demo-client.js';
import type { TestReplicate } from './local-replicate.js';
import type { ProductionBuild } from './production-build.js';
import { type Ended, type ProductionProcess, runScript, startScript } from './production-process.js';
import { ended } from './running-stack.js';

const LOOK_EVERY_MS = 200;
/** The api's answer to whoever waits for longer than this is a failure of the test. */
const HTTP_LIMIT_MS = 600_000;

export interface FleetOptions {
  /** Of the api, and of the first commands. */
  build: ProductionBuild;
  databaseUrl: string;
  replicate: TestReplicate;
  temporal: { address: string; namespace: string };
  env?: Record<string, string>;
}

export interface Workers {
  buildId: string;
  processes: ProductionProcess[];
}

export interface ProductionFleet {
  /** What every process gets. */
  env: Record<string, string>;
  apiUrl: string;
  client: DemoClient;
  temporal: Client;
  /** Starts the named processes of a build, by default a worker and a media worker, and waits until they poll. */
  startWorkers(
    build: ProductionBuild,
    options?: { scripts?: readonly string[]; env?: Record<string, string> },
  ): Promise<Workers>;
  /** Runs `npm run deploy` of a build. */
  deploy(build: ProductionBuild, ...args: string[]): Promise<Ended>;
  until(jobId: string, reached: (job: DemoJob) => boolean, limitMs: number): Promise<DemoJob>;
  /** Ends by force what still runs. */
  stop(): Promise<void>;
}

/** Migrates the database, makes a key and starts the api; no worker runs yet. */
export async function startProductionFleet(options: FleetOptions): Promise<ProductionFleet> {
  const { build, databaseUrl, replicate, temporal: server } = options;
  const env: Record<string, string> = {
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: server.address,
    TEMPORAL_NAMESPACE: server.namespace,
    REPLICATE_API_TOKEN: 'r8_test',
    REPLICATE_BASE_URL: replicate.server.url,
    SECRET_KEY: 'a secret of the tests, 32 characters or more',
    PORT: '0',
    ...options.env,
  };
  const processes: ProductionProcess[] = [];
  const migrated = await runScript(build, 'migrate', env);
  if (migrated.code !== 0) throw new Error(`migrate failed: ${migrated.stderr}`);
  const key = (await runScript(build, 'keys', env, ['create', '--owner', 'a customer'])).stdout.trim();
  const api = startScript(build, 'start:api', env);
  processes.push(api);
  const apiUrl = (await api.logged(/"url":"([^"]+)","msg":"listening"/))[1] ?? '';
  env['PUBLIC_URL'] = apiUrl;
  const client = new DemoClient(apiUrl, key, AbortSignal.timeout(HTTP_LIMIT_MS));
  const connection = await Connection.connect({ address: server.address });

  return {
    env,
    apiUrl,
    client,
    temporal: new Client({ connection, namespace: server.namespace }),
    async startWorkers(of, { scripts = ['start:worker', 'start:media-worker'], env: more = {} } = {}) {
      const started = scripts.map((script) => startScript(of, script, { ...env, ...more }));
      processes.push(...started);
      const ids = await Promise.all(
        started.map(async (one) => (await one.logged(/"buildId":"([^"]+)"[^]*"msg":"polling"/))[1]),
      );
      const [buildId] = ids;
      if (buildId === undefined || ids.some((id) => id !== buildId))
        throw new Error(`expected one build, got ${ids.join(', ')}`);
      return { buildId, processes: started };
    },
    deploy: (of, ...args) => runScript(of, 'deploy', env, args),
    async until(jobId, reached, limitMs) {
      let last: unknown;
      for (const end = performance.now() + limitMs; performance.now() < end; await sleep(LOOK_EVERY_MS)) {
        try {
          const job = await client.job(jobId);
          if (reached(job)) return job;
          if (ended(job)) throw new Error(`the job ended: ${JSON.stringify(job)}`);
          last = job;
        } catch (error) {
          if ((error as Error).message.startsWith('the job ended')) throw error;
          // A part may be down: that is what some tests are about.
          last = error;
        }
      }
      throw new Error(`not reached in ${limitMs} ms; last seen ${last instanceof Error ? last : JSON.stringify(last)}`);
    },
    async stop() {
      for (const one of processes) one.kill();
      await connection.close();
    },
  };
}
