/** Another worker process beside the stack's own, with the same environment: two of them are the normal case in production. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodePart } from '../../dev/supervisor/node-command.js';
import { buildId } from '../../worker/build-id.js';
import type { RunningStack } from '../support/running-stack.js';
import { SHORT_TIMES } from './fault-stack.js';

export interface SecondWorker {
  stop(): Promise<void>;
}

/** What it says goes to `second-worker.log` among the logs of the stack. */
export async function startSecondWorker(stack: RunningStack): Promise<SecondWorker> {
  const { apiUrl, databaseUrl, temporalAddress, temporalNamespace, replicateUrl } = stack.state();
  const bundles = join(stack.folder, 'bundles');
  const command = nodePart({
    root: fileURLToPath(new URL('../..', import.meta.url)),
    file: 'worker/main.ts',
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      ...SHORT_TIMES,
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporalAddress,
      TEMPORAL_NAMESPACE: temporalNamespace,
      REPLICATE_API_TOKEN: 'local',
      REPLICATE_BASE_URL: `${replicateUrl}/v1`,
      PUBLIC_URL: apiUrl,
      SECRET_KEY: readFileSync(join(stack.folder, 'secret-key'), 'utf8').trim(),
      REELWRIGHT_BUILD_ID: await buildId(),
      WORKFLOW_BUNDLE_PATH: join(bundles, readdirSync(bundles)[0] ?? ''),
    },
  });
  const log = openSync(join(stack.folder, 'logs', 'second-worker.log'), 'a');
  const child = spawn(command.file, command.args, {
    cwd: command.cwd,
    env: command.env,
    detached: true,
    // The channel's end tells it that the tests are gone.
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  await once(child, 'spawn');
  return { stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
