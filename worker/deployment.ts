/** Worker Deployment Versioning: which build of the workers new jobs go to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, isGrpcServiceError } from '@temporalio/client';
import { WORKER_DEPLOYMENT } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';

/** gRPC FAILED_PRECONDITION and NOT_FOUND: the pollers of the new build are not all there yet. */
const NOT_YET = new Set([9, 5]);
const IDENTITY = 'reelwright-deploy';

export interface PromoteOptions {
  namespace: string;
  buildId: string;
  /** How long to wait for the workers of this build to poll all queues, in milliseconds. */
  timeoutMs: number;
  pauseMs?: number;
}

/**
 * Makes `buildId` the build that new jobs go to. Repeats while the server has not seen its workers on all queues; throws
 * NOT_READY with the server's last answer when the time is over. Promoting the current build again is harmless.
 */
export async function promote(connection: Connection, options: PromoteOptions): Promise<void> {
  const { namespace, buildId } = options;
  await untilPolled(options, () =>
    connection.workflowService.setWorkerDeploymentCurrentVersion({
      namespace,
      deploymentName: WORKER_DEPLOYMENT,
      buildId,
      identity: IDENTITY,
    }),
  );
}

/**
 * Sends `percentage` of the new jobs, above 0 and below 100, to `buildId` and leaves the others with the current build.
 * Waits and throws as `promote` does. Promoting a build ends its ramp.
 */
export async function ramp(connection: Connection, options: PromoteOptions & { percentage: number }): Promise<void> {
  const { namespace, buildId, percentage } = options;
  await untilPolled(options, () =>
    connection.workflowService.setWorkerDeploymentRampingVersion({
      namespace,
      deploymentName: WORKER_DEPLOYMENT,
      buildId,
      percentage,
      identity: IDENTITY,
    }),
  );
}

/** Sends all new jobs to the current build again. */
export async function endRamp(connection: Connection, namespace: string): Promise<void> {
  await connection.workflowService.setWorkerDeploymentRampingVersion({
    namespace,
    deploymentName: WORKER_DEPLOYMENT,
    buildId: '',
    percentage: 0,
    identity: IDENTITY,
  });
}

async function untilPolled(
  { buildId, timeoutMs, pauseMs = 100 }: PromoteOptions,
  change: () => Promise<unknown>,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      await change();
      return;
    } catch (error) {
      if (!isGrpcServiceError(error) || !NOT_YET.has(error.code)) throw error;
      if (performance.now() > deadline) {
        throw new ReelwrightError('NOT_READY', `build ${buildId} was not promoted: ${error.details}`, { cause: error });
      }
      await sleep(pauseMs);
    }
  }
}
