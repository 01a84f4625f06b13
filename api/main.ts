/** The api process: HTTP in front of the tables, the blobs and Temporal. */
import { startOrExit } from '../config/start-failure.js';
import { createApp } from './app.js';
import { openApiRuntime } from './runtime.js';
import { serve } from './serve.js';

/** Shorter than what a supervisor waits before it kills: 10 s and more. */
const SHUTDOWN_GRACE_MS = 7_000;

const runtime = await startOrExit('api', openApiRuntime);
const { env, deps } = runtime;
const server = await startOrExit('api', () => serve(createApp(deps), { host: env.HOST, port: env.PORT }));
deps.logger.info({ url: server.url }, 'listening');

let stopping = false;

async function stop(signal: NodeJS.Signals): Promise<void> {
  // A second signal changes nothing: the stop is bounded.
  if (stopping) return;
  stopping = true;
  deps.logger.info({ signal }, 'stopping');
  await server.stop(SHUTDOWN_GRACE_MS);
  await runtime.close();
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stop(signal).catch((error: unknown) => {
      deps.logger.fatal({ err: error }, 'the stop failed');
      process.exitCode = 1;
    });
  });
}
