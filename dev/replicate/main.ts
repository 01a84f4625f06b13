/** The local Replicate as a process of its own: `node --import tsx dev/replicate/main.ts`, configured by the environment. */
import { optionsFromEnvironment } from './options.js';
import { startLocalReplicate } from './server.js';

const options = optionsFromEnvironment(process.env);
const server = await startLocalReplicate(options);
process.send?.({ type: 'listening', url: server.url });

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await server.close();
  options.logger?.info('the local Replicate has stopped');
  process.exit(0);
}

function onStopRequested(): void {
  stop().catch((error: unknown) => {
    options.logger?.error({ err: error }, 'the local Replicate could not stop cleanly');
    process.exit(1);
  });
}

process.on('SIGTERM', onStopRequested);
process.on('SIGINT', onStopRequested);
// A supervisor that was killed cannot signal us; its channel closes instead.
process.on('disconnect', onStopRequested);
