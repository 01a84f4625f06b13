/** `npm run deploy`: which build of the workers new jobs go to, and what becomes of the jobs of older builds. */
import { Client, Connection } from '@temporalio/client';
import { readEnvironment } from '../config/environment.js';
import { TEMPORAL_VARIABLES, type TemporalConnectionOptions, temporalConnectionOptions } from '../config/temporal.js';
import { ReelwrightError } from '../domain/errors.js';
import { buildId as idOfThisBuild } from '../worker/build-id.js';
import { runTool, UsageError } from './command-line.js';
import { type DeployCommand, parseDrainStatus, parseMove, parsePromote, parseStatus } from './deploy-commands.js';

const USAGE = `usage:
  npm run deploy -- promote [--build-id ID] [--percent P] [--timeout-seconds N]
      new jobs go to this build, or to the given one, as soon as its worker and its media worker poll; with P, 1 to 99,
      only that part of them, and with 0 no part any more; N is how long to wait for the pollers, 60 unless given.
      To roll back, promote the former build again
  npm run deploy -- status
      the builds, how many workflows are open on each, and whether its workers may be stopped
  npm run deploy -- drain-status --build-id ID [--wait-seconds N]
      ends with 0 once the workers of that build may be stopped, else says what is open there and ends with 1
  npm run deploy -- move [--to ID] (--job JOB | --all-of ID) [--unchecked]
      moves a job with its clips, or all that is open on a build, to this build or to the given one; what does not
      replay on this build stays where it is. To another build than this one only unchecked`;

const CONNECT_TIMEOUT_MS = 5_000;

/** Reads the command line; throws UsageError before anything is opened. */
function parseCommand([command, ...rest]: readonly string[]): DeployCommand {
  switch (command) {
    case 'promote':
      return parsePromote(rest);
    case 'status':
      return parseStatus(rest);
    case 'drain-status':
      return parseDrainStatus(rest);
    case 'move':
      return parseMove(rest);
    case undefined:
    default:
      throw new UsageError(`expected promote, status, drain-status or move, got ${command ?? 'nothing'}`);
  }
}

async function connect(options: TemporalConnectionOptions): Promise<Connection> {
  try {
    return await Connection.connect({ ...options, connectTimeout: CONNECT_TIMEOUT_MS });
  } catch (error) {
    const seen = (error as Error).message;
    throw new ReelwrightError('NOT_READY', `expected Temporal at TEMPORAL_ADDRESS, got: ${seen}`, { cause: error });
  }
}

await runTool('deploy', USAGE, async () => {
  const command = parseCommand(process.argv.slice(2));
  const env = readEnvironment([...TEMPORAL_VARIABLES, 'REELWRIGHT_BUILD_ID', 'WORKFLOW_BUNDLE_PATH']);
  const ownBuildId = env.REELWRIGHT_BUILD_ID ?? (await idOfThisBuild());
  const connection = await connect(await temporalConnectionOptions(env));
  const namespace = env.TEMPORAL_NAMESPACE;
  const client = new Client({ connection, namespace });
  try {
    await command({ connection, client, namespace, ownBuildId, bundlePath: env.WORKFLOW_BUNDLE_PATH });
  } finally {
    await connection.close();
  }
});
