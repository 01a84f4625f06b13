/** What every worker process opens at start and closes at its end. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { DefaultLogger, type LogEntry, NativeConnection, Runtime } from '@temporalio/worker';
import { createPurchaseHistories } from '../activities/purchase-histories.js';
import type { ReconcileDeps } from '../activities/reconcile-deps.js';
import { requireJob } from '../activities/required-rows.js';
import { startRendition } from '../activities/start-rendition.js';
import { startVideoJob, videoJobStart } from '../activities/start-video-job.js';
import { createWorkflowPort } from '../activities/workflow-port.js';
import { readEnvironment } from '../config/environment.js';
import { createLogger, type Logger } from '../config/logger.js';
import { TEMPORAL_VARIABLES, temporalConnectionOptions } from '../config/temporal.js';
import { removeStaleWorkDirs } from '../media/ffmpeg/work-dir.js';
import { createReplicateProvider } from '../replicate/replicate-provider.js';
import { createAssetLinks } from '../storage/asset-links.js';
import { openDatabase } from '../storage/database.js';
import { withSubJobs } from '../storage/jobs-repository.js';
import { createPostgresBlobStore } from '../storage/postgres-blob-store.js';
import { requireCurrentSchema } from '../storage/require-schema.js';
import { createAddressGuard } from '../web/address-guard.js';
import { buildId } from './build-id.js';
import { pollingFor } from './polling.js';

const VARIABLES = [
  ...TEMPORAL_VARIABLES,
  'DATABASE_URL',
  'REPLICATE_API_TOKEN',
  'REPLICATE_BASE_URL',
  'PUBLIC_URL',
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
  'BLOB_STORE_MAX_BYTES',
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
export async function openWorkerRuntime(name: string): Promise<WorkerRuntime> {
  const env = readEnvironment(VARIABLES);
  const logger = createLogger(name, env.LOG_LEVEL);
  Runtime.install({
    logger: new DefaultLogger('INFO', forwardTo(logger)),
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
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
  await requireCurrentSchema(database.knex);
  const connection = await NativeConnection.connect(await temporalConnectionOptions(env));
  const client = new Client({ connection, namespace: env.TEMPORAL_NAMESPACE });
  const { knex } = database;
  const deps: ReconcileDeps = {
    knex,
    blobs: createPostgresBlobStore(database.pool),
    provider: createReplicateProvider({ token: env.REPLICATE_API_TOKEN, baseUrl: env.REPLICATE_BASE_URL }),
    assetLinks: createAssetLinks(env.SECRET_KEY),
    tools: { ffmpegPath: env.FFMPEG_PATH, ffprobePath: env.FFPROBE_PATH },
    workRoot,
    publicUrl: env.PUBLIC_URL,
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
    logger,
  };
  return {
    env,
    logger,
    connection,
    client,
    deps,
    buildId: env.REELWRIGHT_BUILD_ID ?? (await buildId()),
    async close() {
      await connection.close();
      await database.close();
    },
  };
}

/** The SDK's log lines become ours. */
function forwardTo(logger: Logger): (entry: LogEntry) => void {
  return ({ level, message, meta }) => {
    const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
    logger[levels[level]]({ ...meta }, message);
  };
}
