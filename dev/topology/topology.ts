/** The whole production topology in one folder: what docker-compose.yml starts, each part a process under a supervisor. */
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildId as buildIdOf } from '../../worker/build-id.js';
import { readApiKey } from '../api-key.js';
import { ensureFfmpeg } from '../install/ffmpeg.js';
import { apiPart, mediaWorkerPart, replicatePart, workerPart } from '../parts/node-parts.js';
import type { Stoppable } from '../run-until-signal.js';
import { readSettings } from '../stack-settings.js';
import { deployWorkers, prepareDatabase, StepError } from '../stack-steps.js';
import { takeLock } from '../supervisor/lock.js';
import { compiledPart } from '../supervisor/node-command.js';
import type { PartSpec } from '../supervisor/part.js';
import { choosePorts } from '../supervisor/ports.js';
import { ProcessRecord } from '../supervisor/process-record.js';
import { Supervisor } from '../supervisor/supervisor.js';
import { INFRASTRUCTURE_PARTS, keptSecret, startInfrastructure } from './infrastructure.js';

const WORKERS = ['worker-1', 'worker-2'] as const;
const LEFTOVER_LIMIT_MS = 10_000;
const LOCAL_TOKEN = 'local';

export interface TopologyOptions {
  /** The checkout, with the compiled code in `dist`. */
  root: string;
  /** Where data, logs and secrets lie. */
  folder: string;
  env: NodeJS.ProcessEnv;
  print: (line: string) => void;
}

export interface TopologyAddresses {
  apiUrl: string;
  apiKeyFile: string;
  temporalUiUrl: string;
  replicateUrl: string;
}

export class Topology implements Stoppable {
  readonly logFolder: string;
  readonly #options: TopologyOptions;
  readonly #aborted = new AbortController();
  #supervisor: Supervisor | undefined;
  #unlock: (() => void) | undefined;

  constructor(options: TopologyOptions) {
    this.#options = options;
    this.logFolder = join(options.folder, 'logs');
  }

  /** Resolves once all parts are healthy. @throws LockHeldError, NotInstalledError, PartStartError, StepError */
  async start(): Promise<TopologyAddresses> {
    const { root, folder, env, print } = this.#options;
    const { signal } = this.#aborted;
    if (!existsSync(join(root, 'dist/worker/main.js'))) throw new StepError('Expected compiled code: npm run build');
    mkdirSync(folder, { recursive: true });
    // Postgres may run as another user, who has to pass through; every file in it is private by itself.
    chmodSync(folder, 0o711);
    this.#unlock = await takeLock(join(folder, 'supervisor.lock'));
    const record = new ProcessRecord(join(folder, 'processes.json'));
    await record.endLeftovers(LEFTOVER_LIMIT_MS);
    const supervisor = new Supervisor({
      logFolder: this.logFolder,
      record,
      stopOrder: [['api'], [...WORKERS, 'mediaWorker'], ['replicate'], ...INFRASTRUCTURE_PARTS],
      onReady: (name, pid) => print(`  ${name.padEnd(14)}process ${pid}`),
      onEvent: (name, message) => print(`${name} ${message}`),
    });
    this.#supervisor = supervisor;
    const ffmpeg = await ensureFfmpeg(env, signal);
    const infrastructure = await startInfrastructure({ root, folder, env, supervisor, print, signal });
    const ports = await choosePorts(join(folder, 'ports.json'), ['api', 'replicate']);
    const { host, port = ports.api } = readSettings(env).api;
    const apiUrl = `http://127.0.0.1:${port}`;
    const replicateUrl = `http://127.0.0.1:${ports.replicate}`;
    const common: NodeJS.ProcessEnv = {
      ...env,
      NODE_ENV: 'production',
      DATABASE_URL: infrastructure.databaseUrl,
      TEMPORAL_ADDRESS: infrastructure.temporal.address,
      TEMPORAL_NAMESPACE: infrastructure.temporal.namespace,
      TEMPORAL_UI_URL: infrastructure.temporalUiUrl,
      REPLICATE_API_TOKEN: LOCAL_TOKEN,
      REPLICATE_BASE_URL: `${replicateUrl}/v1`,
      PUBLIC_URL: apiUrl,
      SECRET_KEY: keptSecret(join(folder, 'secret-key')),
      FFMPEG_PATH: ffmpeg.ffmpegPath,
      FFPROBE_PATH: ffmpeg.ffprobePath,
      REELWRIGHT_BUILD_ID: await buildIdOf(join(root, 'dist')),
    };
    const apiKeyFile = join(folder, 'api-key');
    await prepareDatabase({ root, env: common, signal }, apiKeyFile);
    if (readApiKey(apiKeyFile) === undefined) throw new StepError(`Expected an API key in ${apiKeyFile}`);

    const replicateEnv = { ...common, LOCAL_REPLICATE_DIR: join(folder, 'replicate') };
    const compiled = (spec: PartSpec, name: string, file: string, more: NodeJS.ProcessEnv = {}): PartSpec => ({
      ...spec,
      name,
      command: compiledPart({ root, file: `dist/${file}`, env: { ...common, ...more } }),
    });
    const given = { root, env: common, temporalUiUrl: infrastructure.temporalUiUrl };
    await supervisor.start(replicatePart({ root, env: replicateEnv, port: ports.replicate, token: LOCAL_TOKEN }));
    await Promise.all([
      supervisor.start(
        compiled(apiPart({ root, env: common, host, port }), 'api', 'api/main.js', { HOST: host, PORT: String(port) }),
      ),
      ...WORKERS.map((name) => supervisor.start(compiled(workerPart(given), name, 'worker/main.js'))),
      supervisor.start(compiled(mediaWorkerPart(given), 'mediaWorker', 'worker/media-main.js')),
      deployWorkers({ root, env: common, signal }, true, print),
    ]);
    return { apiUrl, apiKeyFile, temporalUiUrl: infrastructure.temporalUiUrl, replicateUrl };
  }

  async stop(): Promise<void> {
    this.#aborted.abort(new Error('the topology was stopped'));
    await this.#supervisor?.stop();
    this.#unlock?.();
  }

  kill(): void {
    this.#aborted.abort(new Error('the topology was stopped'));
    this.#supervisor?.kill();
  }
}
