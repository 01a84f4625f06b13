/** Puts the local Replicate together and starts it. */

import { mkdir, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createApp } from './app.js';
import { FaultBoard } from './faults.js';
import { createInputReader } from './input-media.js';
import { type LocalReplicateOptions, type Settings, settingsOf } from './options.js';
import { OutputStore } from './output-store.js';
import { type Parts, viewNow } from './parts.js';
import type { PredictionRecord } from './prediction-record.js';
import { PredictionRunner } from './prediction-runner.js';
import { PredictionStore } from './prediction-store.js';
import { RateLimiter } from './rate-limiter.js';
import { RenderCache } from './render-cache.js';
import { createRenderer, type Rendered } from './renderer.js';
import { loadSecrets } from './secrets.js';
import { UploadStore } from './upload-store.js';
import { WebhookSender } from './webhook-sender.js';

/** Longer than clients keep an idle connection, so that no request meets a closing one. */
const KEEP_ALIVE_MS = 75_000;

export interface LocalReplicate {
  /** What the npm client takes as `baseUrl`; ends in `/v1`. */
  url: string;
  /** `http://host:port`: the root of `/_local` and `/_delivery`. */
  origin: string;
  /** Stops listening, kills running renders and leaves everything unfinished on disk for the next start. */
  close(): Promise<void>;
}

/** Starts a local Replicate in this process. Throws where it cannot listen, or where `instantFile` is not there. */
export async function startLocalReplicate(options: LocalReplicateOptions): Promise<LocalReplicate> {
  const settings = settingsOf(options);
  const { logger } = settings;
  const instant = await instantOutput(settings);
  await mkdir(settings.dir, { recursive: true });
  const secrets = loadSecrets(join(settings.dir, 'secrets.json'));
  const predictions = new PredictionStore(join(settings.dir, 'predictions'));
  const uploads = new UploadStore(join(settings.dir, 'files'), settings.outputTtlMs);
  const outputs = new OutputStore(join(settings.dir, 'outputs'));
  const cache = new RenderCache(settings.renderCacheDir, join(settings.dir, 'rendering'));
  let address = '';
  const origin = () => address;

  const inputs = createInputReader({ uploads, timeoutMs: settings.inputTimeoutMs, origin });
  const { ffmpegPath, ffprobePath } = settings;
  const webhooks = new WebhookSender({
    store: predictions,
    key: secrets.webhookKey,
    retryBaseMs: settings.webhookRetryBaseMs,
    timeoutMs: settings.webhookTimeoutMs,
    logger,
    view: (record: PredictionRecord) => viewNow(parts, record),
  });
  const runner = new PredictionRunner({
    store: predictions,
    webhooks,
    renderer: createRenderer({ inputs, cache, ffmpegPath, ffprobePath }),
    outputs,
    maxRenders: settings.maxRenders,
    ttlMs: settings.outputTtlMs,
    instant,
    logger,
  });
  const parts: Parts = {
    settings,
    secrets,
    predictions,
    runner,
    uploads,
    faults: new FaultBoard(join(settings.dir, 'faults.json')),
    creates: new RateLimiter(settings.createsPerMinute),
    origin,
  };

  const handle = createApp(parts).callback();
  // Koa answers every failure itself: this promise does not reject.
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS },
    (request, response) => void handle(request, response),
  );
  address = await listen(server, settings);
  webhooks.resume();
  runner.resume();
  const removeExpired = () => {
    runner.removeExpired();
    uploads.removeExpired();
  };
  removeExpired();
  const sweeper = setInterval(removeExpired, Math.min(30_000, Math.max(50, settings.outputTtlMs / 10)));
  logger.info({ url: `${address}/v1`, dir: settings.dir }, 'the local Replicate listens');

  return {
    url: `${address}/v1`,
    origin: address,
    async close() {
      clearInterval(sweeper);
      const closed = new Promise<void>((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
      });
      await Promise.all([runner.close(), webhooks.close()]);
      // Requests that hold on (`Prefer: wait`, a slow download) do not keep us.
      server.closeAllConnections();
      await closed;
    },
  };
}

async function instantOutput(settings: Settings): Promise<{ rendered: Rendered; size: number } | undefined> {
  if (settings.instantFile === undefined) return undefined;
  const { size } = await stat(settings.instantFile);
  return { rendered: { path: settings.instantFile, fileName: 'output.mp4', contentType: 'video/mp4' }, size };
}

async function listen(server: Server, settings: Settings): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port, settings.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  // Addresses that mean every interface are not ones a client can call.
  const host = ['0.0.0.0', '::'].includes(settings.host) ? '127.0.0.1' : settings.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
