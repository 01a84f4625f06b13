/** The builds of the worker deployment: what goes to them, what still runs on them, and whether they are needed. */
import { type Client, type Connection, isGrpcServiceError } from '@temporalio/client';
import proto from '@temporalio/proto';
import { WORKER_DEPLOYMENT, WORKFLOW_TYPES } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';

const { WorkerDeploymentVersionStatus } = proto.temporal.api.enums.v1;
const PREFIX = 'WORKER_DEPLOYMENT_VERSION_STATUS_';
/** gRPC NOT_FOUND. */
const NOT_FOUND = 5;
/** Builds that no job can go to by itself. */
const OUT_OF_USE = new Set(['drained', 'inactive']);

export interface DeployedBuild {
  buildId: string;
  /** The server's word: `current`, `ramping`, `draining`, `drained`, or `inactive` where no job ever went to it. */
  status: string;
  createdAt: Date | undefined;
  currentSince: Date | undefined;
  /** Since when it is draining or drained, and when the server last looked, which it does every few minutes. */
  drainageSince: Date | undefined;
  drainageCheckedAt: Date | undefined;
  /** Open workflows that are pinned to it. */
  open: number;
  /** Whether all its workers may be stopped for good. */
  isFree: boolean;
}

export interface DeployedBuilds {
  /** The build that new jobs go to; undefined where none was promoted. */
  current: string | undefined;
  ramping: { buildId: string; percentage: number } | undefined;
  /** The latest first. */
  builds: DeployedBuild[];
}

/** Open workflows that are pinned to a build, as the server's list filter. */
export const openOn = (buildId: string): string =>
  `ExecutionStatus = 'Running' AND TemporalWorkerDeploymentVersion = '${WORKER_DEPLOYMENT}:${buildId}'`;

/** Throws NOT_FOUND where no versioned worker has polled the namespace yet. */
export async function deployedBuilds(client: Client, namespace: string): Promise<DeployedBuilds> {
  const { routingConfig, versionSummaries } = await describe(client.connection as Connection, namespace);
  const builds = await Promise.all(
    (versionSummaries ?? []).map(async (summary): Promise<DeployedBuild> => {
      const buildId = summary.deploymentVersion?.buildId ?? '';
      const status = nameOf(summary.status ?? 0);
      const { count: open } = await client.workflow.count(openOn(buildId));
      // A version that takes new jobs has this too, without a status.
      const drainage = summary.drainageInfo?.status ? summary.drainageInfo : undefined;
      return {
        buildId,
        status,
        createdAt: dateOf(summary.createTime),
        currentSince: dateOf(summary.currentSinceTime),
        drainageSince: dateOf(drainage?.lastChangedTime),
        drainageCheckedAt: dateOf(drainage?.lastCheckedTime),
        open,
        isFree: OUT_OF_USE.has(status) && open === 0,
      };
    }),
  );
  const current = routingConfig?.currentDeploymentVersion?.buildId || undefined;
  const rampingId = routingConfig?.rampingDeploymentVersion?.buildId || undefined;
  const percentage = routingConfig?.rampingVersionPercentage ?? 0;
  return { current, ramping: rampingId === undefined ? undefined : { buildId: rampingId, percentage }, builds };
}

/** How many workflows of each type are open on a build, such as `videoJob 1, generation 4`; empty for none. */
export async function openByType(client: Client, buildId: string): Promise<string> {
  const counts = await Promise.all(
    Object.values(WORKFLOW_TYPES).map(async (type) => {
      const { count } = await client.workflow.count(`${openOn(buildId)} AND WorkflowType = '${type}'`);
      return count === 0 ? [] : [`${type} ${count}`];
    }),
  );
  return counts.flat().join(', ');
}

async function describe(
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

function nameOf(status: proto.temporal.api.enums.v1.WorkerDeploymentVersionStatus): string {
  return (WorkerDeploymentVersionStatus[status] ?? '-').replace(PREFIX, '').toLowerCase();
}

function dateOf(at: proto.google.protobuf.ITimestamp | null | undefined): Date | undefined {
  return at?.seconds == null ? undefined : new Date(Number(at.seconds) * 1_000);
}
