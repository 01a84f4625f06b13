/** What every worker process opens at start and closes at its end. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { DefaultLogger, type LogEntry, NativeConnection, Runtime } from '@temporalio/worker';
import { createPurchaseHistories } from '../activities/purchase-histories.js';
import type { ReconcileDeps } from '../activities/reconcile-deps.js';
import { requireJob } from '../activities/required-rows.js';
import { startBatch } from '../activities/start-batch.js';
import { startRendition } from '../activities/start-rendition.js';
import { startVideoJob, videoJobStart } from '../activities/start-video-job.js';
import { createWorkflowPort } from '../activities/workflow-port.js';
import { readEnvironment } from '../config/environment.js';
import { createLogger, type Logger } from '../config/logger.js';
import { mayRunSelfTest } from '../config/self-test.js';
import { TEMPORAL_VARIABLES, temporalConnectionOptions } from '../config/temporal.js';
import type { TextLinks } from '../domain/activity-contract.js';
import { removeStaleWorkDirs } from '../media/ffmpeg/work-dir.js';
import { createReplicateProvider } from '../replicate/replicate-provider.js';
import { createAssetLinks } from '../storage/asset-links.js';
import { openDatabase } from '../storage/database.js';
import { readFigures } from '../storage/figures.js';
import { withSubJobs } from '../storage/jobs-repository.js';
import { poolStates } from '../storage/pool-states.js';
import { createPostgresBlobStore } from '../storage/postgres-blob-store.js';
import { requireUsableSchema } from '../storage/require-schema.js';
import { clientInterceptors } from '../telemetry/interceptors.js';
import { sdkMetrics } from '../telemetry/sdk-metrics.js';
import { serveFigures } from '../telemetry/telemetry.js';
import { startTracing, stopTracing } from '../telemetry/tracing.js';
import { createAddressGuard } from '../web/address-guard.js';
import { buildId } from './build-id.js';
import { pollingFor } from './polling.js';

const VARIABLES = [
  ...TEMPORAL_VARIABLES,
  'DATABASE_URL',
  'REPLICATE_API_TOKEN',
  'REPLICATE_BASE_URL',
  'PUBLIC_URL',
  'TEMPORAL_UI_URL',
  'SECRET_KEY',
  'PRIVATE_ADDRESSES_ALLOWED',
  'LOG_LEVEL',
  'FFMPEG_PATH',
  'FFPROBE_PATH',
  'CREATES_PER_MINUTE',
  'PARALLEL_CLIPS',
  'POLL_FIRST_MS',
  'POLL_MAX_MS',
  'ABSENCE_AFTER_MS',
  'DECISION_PATIENCE_MS',
  'OPEN_PURCHASES_PER_OWNER',
  'PURCHASING_PROBE_MS',
  'METRICS_PORT',
  'METRICS_HOST',
  'BLOB_STORE_MAX_BYTES',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_SERVICE_NAME',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
  'SELF_TEST',
  'RETENTION_DAYS',
  'ORPHAN_GRACE_MS',
  'REELWRIGHT_BUILD_ID',
  'WORKFLOW_BUNDLE_PATH',
] as const;

/** How soon the provider's list is searched again for a purchase whose answer was lost. */
const ADOPTION_PAUSE_MS = 3_000;

/** How soon a purchase that has to wait is looked at again: for its owner's others, and while purchasing is paused. */
const LIMIT_PAUSE_MS = 2_000;
const PAUSED_PAUSE_MS = 10_000;
const PROBE_MAX_MS = 10 * 60_000;

/** A clip of 4 s takes some minutes at the real provider. */
const SELF_TEST_TIMES = { lookEveryMs: 5_000, patienceMs: 20 * 60_000 };

export type WorkerEnvironment = ReturnType<typeof readEnvironment<(typeof VARIABLES)[number]>>;

export interface WorkerRuntime {
  env: WorkerEnvironment;
  logger: Logger;
  connection: NativeConnection;
  client: Client;
  deps: ReconcileDeps;
  buildId: string;
  close(): Promise<void>;
}

/** Reads the environment and connects; throws where something is missing or cannot be reached. */
export async function openWorkerRuntime(name: 'worker' | 'media-worker'): Promise<WorkerRuntime> {
  const env = readEnvironment(VARIABLES);
  const logger = createLogger(name, env.LOG_LEVEL);
  await startTracing({
    endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    serviceName: env.OTEL_SERVICE_NAME ?? `reelwright-${name}`,
  });
  const sdk = env.METRICS_PORT === undefined ? undefined : await sdkMetrics();
  Runtime.install({
    logger: new DefaultLogger('INFO', forwardTo(logger)),
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
      ...(sdk && { metrics: sdk.exporter }),
    },
    // This process decides when it is over: the connections outlive the last activity.
    shutdownSignals: [],
  });
  const workRoot = join(tmpdir(), 'reelwright');
  const stale = await removeStaleWorkDirs(workRoot);
  if (stale.length > 0) logger.warn({ stale }, 'removed folders that a killed worker left behind');
  const database = openDatabase(env.DATABASE_URL, {
    applicationName: name,
    onConnectionError: (error) => logger.warn({ err: error }, 'a database connection broke'),
  });
  await requireUsableSchema(database.knex);
  const connection = await NativeConnection.connect(await temporalConnectionOptions(env));
  const client = new Client({ connection, namespace: env.TEMPORAL_NAMESPACE, interceptors: clientInterceptors() });
  const { knex } = database;
  const deps: ReconcileDeps = {
    knex,
    blobs: createPostgresBlobStore(database.pool),
    provider: createReplicateProvider({ token: env.REPLICATE_API_TOKEN, baseUrl: env.REPLICATE_BASE_URL }),
    assetLinks: createAssetLinks(env.SECRET_KEY),
    tools: { ffmpegPath: env.FFMPEG_PATH, ffprobePath: env.FFPROBE_PATH },
    workRoot,
    publicUrl: env.PUBLIC_URL,
    links: textLinks(env),
    settings: {
      polling: pollingFor(env),
      parallelClips: env.PARALLEL_CLIPS,
      absenceAfterMs: env.ABSENCE_AFTER_MS,
      adoptionPauseMs: ADOPTION_PAUSE_MS,
      patienceMs: env.DECISION_PATIENCE_MS,
      openPurchasesPerOwner: env.OPEN_PURCHASES_PER_OWNER,
      limitPauseMs: LIMIT_PAUSE_MS,
      pausedPauseMs: Math.min(env.PURCHASING_PROBE_MS, PAUSED_PAUSE_MS),
      probeAfterMs: env.PURCHASING_PROBE_MS,
      probeMaxMs: Math.max(env.PURCHASING_PROBE_MS, PROBE_MAX_MS),
      selfTest: mayRunSelfTest(env) ? SELF_TEST_TIMES : null,
      store: {
        maxBytes: env.BLOB_STORE_MAX_BYTES,
        retentionDays: env.RETENTION_DAYS,
        orphanGraceMs: env.ORPHAN_GRACE_MS,
      },
    },
    addressGuard: createAddressGuard({ allowed: env.PRIVATE_ADDRESSES_ALLOWED }),
    workflows: createWorkflowPort(client),
    histories: createPurchaseHistories(client),
    async startRun({ jobId }) {
      await startVideoJob(client, videoJobStart(await withSubJobs(knex, await requireJob(knex, jobId))));
    },
    startRendition: (rendition) => startRendition(client, rendition),
    startBatch: (batch) => startBatch(client, batch),
    logger,
  };
  const build = env.REELWRIGHT_BUILD_ID ?? (await buildId());
  const onTrouble = (error: unknown): void => logger.warn({ err: error }, 'figures or traces are incomplete');
  const figures = await serveFigures({
    port: env.METRICS_PORT,
    host: env.METRICS_HOST,
    process: name,
    buildId: build,
    pools: poolStates(database),
    read: () => readFigures(knex, env.BLOB_STORE_MAX_BYTES),
    parts: sdk === undefined ? [] : [sdk.text],
    onTrouble,
  });
  return {
    env,
    logger,
    connection,
    client,
    deps,
    buildId: build,
    async close() {
      await figures?.close();
      await stopTracing(onTrouble);
      await connection.close();
      await database.close();
    },
  };
}

function textLinks({
  TEMPORAL_UI_URL: ui,
  TEMPORAL_NAMESPACE: namespace,
  PUBLIC_URL: api,
}: Pick<WorkerEnvironment, 'TEMPORAL_UI_URL' | 'TEMPORAL_NAMESPACE' | 'PUBLIC_URL'>): TextLinks {
  return {
    ...(ui !== undefined && { workflows: `${ui}/namespaces/${encodeURIComponent(namespace)}/workflows` }),
    ...(api !== undefined && { api: `${api}/api/v3` }),
  };
}

/** The SDK's log lines become ours. */
function forwardTo(logger: Logger): (entry: LogEntry) => void {
  return ({ level, message, meta }) => {
    // Ours says the same of each attempt, and of whom it was about (`observeActivity`).
    if (meta?.['activityType'] !== undefined && /^Activity (started|completed|failed)/.test(message)) return;
    const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
    logger[levels[level]]({ ...meta }, message);
  };
}
