/**
 * Child process: makes the build of `REELWRIGHT_BUILD_ID` the current one of the worker deployment, says `current` on a
 * line of its own, and with `--adopt-stranded` then moves the open jobs of all other builds to it.
 */
import { Client, Connection } from '@temporalio/client';
import { readEnvironment } from '../config/environment.js';
import { TEMPORAL_VARIABLES, temporalConnectionOptions } from '../config/temporal.js';
import { promote } from '../worker/deployment.js';
import { adoptStranded } from '../worker/deployment-moves.js';

/** How long the workers of this build may take until they poll all queues. */
const POLLERS_LIMIT_MS = 60_000;

const env = readEnvironment([...TEMPORAL_VARIABLES, 'REELWRIGHT_BUILD_ID']);
const buildId = env.REELWRIGHT_BUILD_ID;
if (buildId === undefined) throw new Error('Expected the build of the workers in REELWRIGHT_BUILD_ID');
const namespace = env.TEMPORAL_NAMESPACE;
const connection = await Connection.connect(await temporalConnectionOptions(env));
try {
  await promote(connection, { namespace, buildId, timeoutMs: POLLERS_LIMIT_MS });
  console.log('current');
  if (process.argv.includes('--adopt-stranded')) {
    await adoptStranded(new Client({ connection, namespace }), { namespace, buildId });
  }
} finally {
  await connection.close();
}
