/** The story of a start: what is given is used, what is missing is installed, and all parts come up side by side. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildId as computeBuildId } from '../worker/build-id.js';
import { readApiKey } from './api-key.js';
import { ensureFfmpeg } from './install/ffmpeg.js';
import { findPostgresHome } from './install/postgres-home.js';
import { ensureTemporalCli } from './install/temporal-cli.js';
import { apiPart, mediaWorkerPart, replicatePart, workerPart } from './parts/node-parts.js';
import { postgresPart } from './parts/postgres.js';
import { TEMPORAL_NAMESPACE, temporalPart } from './parts/temporal.js';
import { SettingsError, type StackSettings } from './stack-settings.js';
import type { StackState } from './stack-state.js';
import { bundleWorkflows, deployWorkers, prepareDatabase } from './stack-steps.js';
import { readText, writePrivateText } from './supervisor/json-file.js';
import type { PartSpec } from './supervisor/part.js';
import { choosePorts, isFree } from './supervisor/ports.js';
import type { Supervisor } from './supervisor/supervisor.js';

export interface StartContext {
  /** The checkout. */
  root: string;
  folder: string;
  env: NodeJS.ProcessEnv;
  settings: StackSettings;
  supervisor: Supervisor;
  print: (line: string) => void;
  /** Aborted when the start is given up. */
  signal: AbortSignal;
}

type Addresses = Omit<StackState, 'pids'>;

/** The local Replicate accepts any token; this one only has to be one. */
const LOCAL_TOKEN = 'local';

/** Starts everything that the environment does not give, and resolves once all of it is healthy. */
export async function startParts(context: StartContext): Promise<Addresses> {
  const { root, folder, env, settings, supervisor, print, signal } = context;
  const ffmpeg = await ensureFfmpeg(env, signal);
  const ports = await choosePorts(join(folder, 'ports.json'), PORT_NAMES);
  const apiPort = await portOfApi(settings, ports.api);
  const apiUrl = `http://${reachableHost(settings.api.host)}:${apiPort}`;
  const start = (spec: PartSpec): Promise<void> => timed(spec.name, print, () => supervisor.start(spec));

  const replicate = settings.replicate ?? { token: LOCAL_TOKEN, baseUrl: `http://127.0.0.1:${ports.replicate}/v1` };
  const temporal = settings.temporal ?? {
    address: `127.0.0.1:${ports.temporal}`,
    namespace: TEMPORAL_NAMESPACE,
    uiUrl: `http://127.0.0.1:${ports.temporalUi}`,
  };
  const common: NodeJS.ProcessEnv = {
    ...env,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    TEMPORAL_UI_URL: temporal.uiUrl,
    REPLICATE_API_TOKEN: replicate.token,
    REPLICATE_BASE_URL: replicate.baseUrl,
    PUBLIC_URL: settings.publicUrl ?? (settings.replicate === undefined ? apiUrl : undefined),
    SECRET_KEY: settings.secretKey ?? ensureSecretKey(join(folder, 'secret-key')),
    FFMPEG_PATH: ffmpeg.ffmpegPath,
    FFPROBE_PATH: ffmpeg.ffprobePath,
    LOG_LEVEL: settings.logLevel,
  };
  const keyFile = join(folder, 'api-key');

  const databaseStarted = async (): Promise<string> => {
    const databaseUrl = settings.databaseUrl ?? (await startPostgres(context, ports.postgres, start));
    const stepEnv = { ...common, DATABASE_URL: databaseUrl };
    await timed('database schema and key', print, () => prepareDatabase({ root, env: stepEnv, signal }, keyFile));
    return databaseUrl;
  };
  const temporalStarted = async (): Promise<void> => {
    if (settings.temporal !== undefined) return;
    const path = (await ensureTemporalCli({ root, env, signal })).path;
    const temporalFolder = join(folder, 'temporal');
    mkdirSync(temporalFolder, { recursive: true, mode: 0o700 });
    await start(temporalPart({ path, port: ports.temporal, uiPort: ports.temporalUi, folder: temporalFolder }));
  };
  const replicateStarted = async (): Promise<void> => {
    if (settings.replicate !== undefined) return;
    const own = { LOCAL_REPLICATE_DIR: join(folder, 'replicate') };
    const port = ports.replicate;
    await start(replicatePart({ root, env: { ...common, ...own }, port, token: replicate.token }));
  };
  const bundled = async (): Promise<{ buildId: string; bundle: string }> => {
    const buildId = await computeBuildId();
    const step = { root, env: common, signal };
    const bundle = await timed('workflow bundle', print, () => bundleWorkflows(step, join(folder, 'bundles'), buildId));
    return { buildId, bundle };
  };
  const [databaseUrl, { buildId, bundle }] = await Promise.all([
    databaseStarted(),
    bundled(),
    temporalStarted(),
    replicateStarted(),
  ]);

  const appEnv = { ...common, DATABASE_URL: databaseUrl, REELWRIGHT_BUILD_ID: buildId, WORKFLOW_BUNDLE_PATH: bundle };
  // Only the pollers of our own Temporal can be asked for over HTTP.
  const isOurTemporal = settings.temporal === undefined;
  const temporalUiUrl = isOurTemporal ? temporal.uiUrl : undefined;
  await Promise.all([
    start(
      apiPart({
        root,
        env: { ...withMetrics(appEnv, ports.apiMetrics), BLOB_CACHE_DIR: join(folder, 'blob-cache') },
        host: settings.api.host,
        port: apiPort,
      }),
    ),
    start(workerPart({ root, env: withMetrics(appEnv, ports.workerMetrics), temporalUiUrl })),
    start(mediaWorkerPart({ root, env: withMetrics(appEnv, ports.mediaWorkerMetrics), temporalUiUrl })),
    timed('worker deployment', print, () => deployWorkers({ root, env: appEnv, signal }, isOurTemporal, print)),
  ]);

  const apiKey = readApiKey(keyFile);
  if (apiKey === undefined) throw new Error(`Expected an API key in ${keyFile}, saw none`);
  return {
    apiUrl,
    apiKey,
    databaseUrl,
    temporalAddress: temporal.address,
    temporalNamespace: temporal.namespace,
    ...(temporal.uiUrl === undefined ? {} : { temporalUiUrl: temporal.uiUrl }),
    ...(replicate.baseUrl === undefined ? {} : { replicateUrl: replicate.baseUrl.replace(/\/v1\/?$/, '') }),
    metrics: {
      api: metricsUrl(ports.apiMetrics),
      worker: metricsUrl(ports.workerMetrics),
      mediaWorker: metricsUrl(ports.mediaWorkerMetrics),
    },
  };
}

const PORT_NAMES = [
  'api',
  'postgres',
  'temporal',
  'temporalUi',
  'replicate',
  'apiMetrics',
  'workerMetrics',
  'mediaWorkerMetrics',
] as const;

const METRICS_HOST = '127.0.0.1';
const metricsUrl = (port: number): string => `http://${METRICS_HOST}:${port}/metrics`;
const withMetrics = (env: NodeJS.ProcessEnv, port: number): NodeJS.ProcessEnv => ({
  ...env,
  METRICS_HOST,
  METRICS_PORT: String(port),
});

async function startPostgres(
  context: StartContext,
  port: number,
  start: (spec: PartSpec) => Promise<void>,
): Promise<string> {
  const home = await findPostgresHome({ folder: join(context.folder, 'postgres') });
  if (home.notice !== undefined) context.print(home.notice);
  const { spec, databaseUrl } = await postgresPart(home, port);
  await start(spec);
  return databaseUrl;
}

async function portOfApi(settings: StackSettings, chosen: number): Promise<number> {
  const { port } = settings.api;
  if (port === undefined) return chosen;
  if (await isFree(port)) return port;
  throw new SettingsError(`PORT is ${port}, and another program listens there. Choose another, or leave PORT out.`);
}

/** A server that listens on every address, or by name, is reached through 127.0.0.1. */
function reachableHost(host: string): string {
  if (['0.0.0.0', '::', 'localhost'].includes(host)) return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

/** Kept, so that links and sessions outlive a restart. */
function ensureSecretKey(path: string): string {
  const kept = readText(path)?.trim();
  if (kept !== undefined && kept !== '') return kept;
  const made = randomBytes(32).toString('hex');
  writePrivateText(path, `${made}\n`);
  return made;
}

async function timed<Result>(
  label: string,
  print: (line: string) => void,
  work: () => Promise<Result>,
): Promise<Result> {
  const start = performance.now();
  const result = await work();
  print(`  ${label.padEnd(26)}${((performance.now() - start) / 1000).toFixed(1)} s`);
  return result;
}
