/** What the api process opens at its start and closes at its end. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { type Environment, readEnvironment } from '../config/environment.js';
import { createLogger, type Logger } from '../config/logger.js';
import { requireMediaPrograms } from '../config/media-programs.js';
import { TEMPORAL_VARIABLES, temporalConnectionOptions } from '../config/temporal.js';
import { removeStaleWorkDirs } from '../media/ffmpeg/work-dir.js';
import { probe } from '../media/probe/probe.js';
import { createReplicateProvider } from '../replicate/replicate-provider.js';
import { createAssetLinks } from '../storage/asset-links.js';
import { openDatabase } from '../storage/database.js';
import { readFigures } from '../storage/figures.js';
import { poolStates } from '../storage/pool-states.js';
import { requireUsableSchema } from '../storage/require-schema.js';
import { DiskCache } from '../storage/serving/disk-cache.js';
import { createServingBlobStore } from '../storage/serving/serving-blob-store.js';
import { createSignedTokens } from '../storage/signed-tokens.js';
import { createVideoLinkTokens } from '../storage/video-link-tokens.js';
import { receiveWebhook } from '../storage/webhook-inbox.js';
import { clientInterceptors } from '../telemetry/interceptors.js';
import { serveFigures } from '../telemetry/telemetry.js';
import { startTracing, stopTracing } from '../telemetry/tracing.js';
import { createAddressGuard } from '../web/address-guard.js';
import { createTemporalBatchStarter } from './batch-starter.js';
import type { ApiDeps } from './deps.js';
import { databaseCheck, purchasingCheck, temporalCheck } from './health-checks.js';
import { createTemporalJobControl } from './job-control.js';
import { createTemporalJobStarter } from './job-starter.js';
import { createTemporalRenditionStarter } from './rendition-starter.js';
import { lazyTemporalConnection } from './temporal-connection.js';
import { createTemporalSignaler } from './webhooks/prediction-signaler.js';
import { fetchedWebhookSecrets, fixedWebhookSecrets } from './webhooks/webhook-secrets.js';

const VARIABLES = [
  ...TEMPORAL_VARIABLES,
  'DATABASE_URL',
  'TEMPORAL_UI_URL',
  'REPLICATE_API_TOKEN',
  'REPLICATE_BASE_URL',
  'REPLICATE_WEBHOOK_SECRET',
  'SECRET_KEY',
  'HOST',
  'PORT',
  'LOG_LEVEL',
  'FFMPEG_PATH',
  'FFPROBE_PATH',
  'MAX_UPLOAD_BYTES',
  'BLOB_CACHE_DIR',
  'BLOB_CACHE_MAX_BYTES',
  'BLOB_MEMORY_BYTES',
  'BLOB_STORE_MAX_BYTES',
  'RETENTION_DAYS',
  'PRIVATE_ADDRESSES_ALLOWED',
  'METRICS_PORT',
  'METRICS_HOST',
  'BLOB_STORE_MAX_BYTES',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_SERVICE_NAME',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
] as const;

const SECRET_TIMEOUT_MS = 5_000;
const PROBE_LIMIT_MS = 30_000;

export interface ApiRuntime {
  env: Pick<ReturnType<typeof readEnvironment<(typeof VARIABLES)[number]>>, 'HOST' | 'PORT'>;
  deps: ApiDeps;
  close(): Promise<void>;
}

/**
 * Reads the environment and opens the database; throws where something is missing or the schema is not this code's.
 * Temporal is connected to on first use: orders are taken without it.
 */
export async function openApiRuntime(): Promise<ApiRuntime> {
  const env = readEnvironment(VARIABLES);
  await requireMediaPrograms(env, ['FFPROBE_PATH']);
  const logger = createLogger('api', env.LOG_LEVEL);
  await startTracing({
    endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    serviceName: env.OTEL_SERVICE_NAME ?? 'reelwright-api',
  });
  const uploadFolder = join(tmpdir(), 'reelwright');
  const stale = await removeStaleWorkDirs(uploadFolder);
  if (stale.length > 0) logger.warn({ stale }, 'removed folders that a killed process left behind');
  const database = openDatabase(env.DATABASE_URL, {
    applicationName: 'api',
    onConnectionError: (error) => logger.warn({ err: error }, 'a database connection broke'),
  });
  const { knex } = database;
  await requireUsableSchema(knex);
  const connection = lazyTemporalConnection(await temporalConnectionOptions(env));
  const client = new Client({ connection, namespace: env.TEMPORAL_NAMESPACE, interceptors: clientInterceptors() });
  const provider = createReplicateProvider({ token: env.REPLICATE_API_TOKEN, baseUrl: env.REPLICATE_BASE_URL });
  const tools = { ffmpegPath: env.FFMPEG_PATH, ffprobePath: env.FFPROBE_PATH };
  const disk = await openDiskCache(env, logger);
  const deps: ApiDeps = {
    config: {
      maxUploadBytes: env.MAX_UPLOAD_BYTES,
      maxStoreBytes: env.BLOB_STORE_MAX_BYTES,
      retentionDays: env.RETENTION_DAYS,
      uploadFolder,
      temporalNamespace: env.TEMPORAL_NAMESPACE,
      temporalUiUrl: env.TEMPORAL_UI_URL,
    },
    knex,
    blobs: createServingBlobStore(database.pool, { memoryBytes: env.BLOB_MEMORY_BYTES, disk }),
    assetLinks: createAssetLinks(env.SECRET_KEY),
    videoLinks: createVideoLinkTokens(env.SECRET_KEY),
    sessionTokens: createSignedTokens(env.SECRET_KEY, 'session'),
    addressGuard: createAddressGuard({ allowed: env.PRIVATE_ADDRESSES_ALLOWED }),
    jobStarter: createTemporalJobStarter(client),
    jobControl: createTemporalJobControl(client),
    renditionStarter: createTemporalRenditionStarter(client),
    batchStarter: createTemporalBatchStarter(client),
    webhooks: {
      secrets:
        env.REPLICATE_WEBHOOK_SECRET === undefined
          ? fetchedWebhookSecrets(() => provider.webhookSecret({ signal: AbortSignal.timeout(SECRET_TIMEOUT_MS) }))
          : fixedWebhookSecrets(env.REPLICATE_WEBHOOK_SECRET),
      receive: (webhook) => receiveWebhook(knex, webhook),
      signal: createTemporalSignaler(client),
    },
    probeMedia: (path) => probe(tools, path, { timeLimitMs: PROBE_LIMIT_MS }),
    healthChecks: [databaseCheck(knex), temporalCheck(client), purchasingCheck(knex)],
    logger,
  };
  const onTrouble = (error: unknown): void => logger.warn({ err: error }, 'figures or traces are incomplete');
  const figures = await serveFigures({
    port: env.METRICS_PORT,
    host: env.METRICS_HOST,
    process: 'api',
    buildId: '',
    pools: poolStates(database),
    read: () => readFigures(knex, env.BLOB_STORE_MAX_BYTES),
    onTrouble,
  });
  return {
    env,
    deps,
    async close() {
      await figures?.close();
      await stopTracing(onTrouble);
      await connection.close();
      await disk?.close();
      await database.close();
    },
  };
}

/** The cache with what the last process has left in it; undefined where none is wanted, or its folder cannot be used. */
async function openDiskCache(
  env: Pick<Environment, 'BLOB_CACHE_DIR' | 'BLOB_CACHE_MAX_BYTES'>,
  logger: Logger,
): Promise<DiskCache | undefined> {
  if (env.BLOB_CACHE_MAX_BYTES === 0) return undefined;
  const cache = new DiskCache({
    folder: env.BLOB_CACHE_DIR ?? join(tmpdir(), 'reelwright-blobs'),
    maxBytes: env.BLOB_CACHE_MAX_BYTES,
    onTrouble: (err) => logger.warn({ err }, 'the cache of blobs on disk is in trouble; they come from the database'),
  });
  try {
    await cache.adopt();
    return cache;
  } catch (err) {
    logger.warn({ err }, 'there is no cache of blobs on disk');
    return undefined;
  }
}
