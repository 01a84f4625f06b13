/** `npm run deploy`: which build of the workers new jobs go to, and whether workers of older builds are still needed. */
import { Connection, isGrpcServiceError } from '@temporalio/client';
import proto from '@temporalio/proto';
import { readEnvironment } from '../config/environment.js';
import { TEMPORAL_VARIABLES, type TemporalConnectionOptions, temporalConnectionOptions } from '../config/temporal.js';
import { WORKER_DEPLOYMENT } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { buildId as idOfThisBuild } from '../worker/build-id.js';
import { promote } from '../worker/deployment.js';
import { printTable, readOptions, runTool, UsageError } from './command-line.js';

const USAGE = `usage:
  npm run deploy -- promote [--build-id ID] [--timeout-seconds N]
      new jobs go to this build, or to the given one, as soon as its worker and its media worker poll;
      N is how long to wait for them, 60 unless given
  npm run deploy -- status
      the builds, and which of them still have open jobs; workers of a drained one may be stopped`;

const DEFAULT_TIMEOUT_SECONDS = 60;
const CONNECT_TIMEOUT_MS = 5_000;
/** Of gRPC. */
const NOT_FOUND = 5;
const { WorkerDeploymentVersionStatus } = proto.temporal.api.enums.v1;

type Command = (context: { connection: Connection; namespace: string; ownBuildId: string }) => Promise<void>;

/** Reads the command line; throws UsageError before anything is opened. */
function parseCommand([command, ...rest]: readonly string[]): Command {
  switch (command) {
    case 'promote': {
      const options = readOptions(rest, ['build-id', 'timeout-seconds']);
      const timeoutMs = seconds(options['timeout-seconds']) * 1_000;
      if (options['build-id'] === '') throw new UsageError('--build-id: expected the id of a build, got nothing');
      return async ({ connection, namespace, ownBuildId }) => {
        const buildId = options['build-id'] ?? ownBuildId;
        await promote(connection, { namespace, buildId, timeoutMs });
        console.error('deploy: new jobs go to this build:');
        console.log(buildId);
      };
    }
    case 'status':
      readOptions(rest, []);
      return showStatus;
    case undefined:
    default:
      throw new UsageError(`expected promote or status, got ${command ?? 'nothing'}`);
  }
}

function seconds(value: string | undefined): number {
  if (value === undefined) return DEFAULT_TIMEOUT_SECONDS;
  if (!/^\d{1,6}$/.test(value)) throw new UsageError(`--timeout-seconds: expected a whole number, got ${value}`);
  return Number(value);
}

const showStatus: Command = async ({ connection, namespace, ownBuildId }) => {
  const { routingConfig, versionSummaries } = await describeDeployment(connection, namespace);
  const current = routingConfig?.currentDeploymentVersion?.buildId;
  console.log(`current: ${current ?? 'none: jobs wait until a build is promoted'}`);
  console.log(`this build: ${ownBuildId}`);
  const rows = (versionSummaries ?? []).map(
    ({ deploymentVersion, status, createTime, currentSinceTime, drainageInfo }) => {
      // A version that takes new jobs has this too, without a status.
      const drainage = drainageInfo?.status ? drainageInfo : undefined;
      return [
        deploymentVersion?.buildId ?? '-',
        nameOf(status ?? WorkerDeploymentVersionStatus.WORKER_DEPLOYMENT_VERSION_STATUS_UNSPECIFIED),
        time(createTime),
        time(currentSinceTime),
        time(drainage?.lastChangedTime),
        time(drainage?.lastCheckedTime),
      ];
    },
  );
  printTable([['BUILD', 'STATUS', 'CREATED', 'CURRENT SINCE', 'DRAINAGE SINCE', 'DRAINAGE CHECKED'], ...rows]);
};

async function describeDeployment(
  connection: Connection,
  namespace: string,
): Promise<proto.temporal.api.deployment.v1.IWorkerDeploymentInfo> {
  try {
    const deploymentName = WORKER_DEPLOYMENT;
    const answer = await connection.workflowService.describeWorkerDeployment({ namespace, deploymentName });
    return answer.workerDeploymentInfo ?? {};
  } catch (error) {
    if (!isGrpcServiceError(error) || error.code !== NOT_FOUND) throw error;
    throw new ReelwrightError('NOT_FOUND', `no worker has polled namespace ${namespace} yet: ${error.details}`);
  }
}

/** `current`, `draining` (open jobs are pinned to it), `drained` and so on. */
function nameOf(status: proto.temporal.api.enums.v1.WorkerDeploymentVersionStatus): string {
  return (WorkerDeploymentVersionStatus[status] ?? '-').replace('WORKER_DEPLOYMENT_VERSION_STATUS_', '').toLowerCase();
}

function time(at: proto.google.protobuf.ITimestamp | null | undefined): string {
  return at?.seconds == null ? '-' : new Date(Number(at.seconds) * 1_000).toISOString();
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
  const env = readEnvironment([...TEMPORAL_VARIABLES, 'REELWRIGHT_BUILD_ID']);
  const ownBuildId = env.REELWRIGHT_BUILD_ID ?? (await idOfThisBuild());
  const connection = await connect(await temporalConnectionOptions(env));
  try {
    await command({ connection, namespace: env.TEMPORAL_NAMESPACE, ownBuildId });
  } finally {
    await connection.close();
  }
});
