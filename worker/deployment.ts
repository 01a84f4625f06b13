/** Worker Deployment Versioning: which build of the workers new jobs go to, and what becomes of jobs without workers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, type Connection, isGrpcServiceError } from '@temporalio/client';
import proto from '@temporalio/proto';
import { WORKER_DEPLOYMENT } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';

/** gRPC FAILED_PRECONDITION and NOT_FOUND: the pollers of the new build are not all there yet. */
const NOT_YET = new Set([9, 5]);

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
  const { namespace, buildId, timeoutMs, pauseMs = 100 } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      await connection.workflowService.setWorkerDeploymentCurrentVersion({
        namespace,
        deploymentName: WORKER_DEPLOYMENT,
        buildId,
        identity: 'reelwright-deploy',
      });
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

/** Open workflows of this deployment that are pinned to another build. */
const strandedQuery = (buildId: string): string =>
  `ExecutionStatus = 'Running' AND TemporalWorkerDeployment = '${WORKER_DEPLOYMENT}' AND ` +
  `TemporalWorkerDeploymentVersion != '${WORKER_DEPLOYMENT}:${buildId}'`;

/**
 * Moves open workflows of other builds to this one and says how many. For a stack whose workers of other builds are
 * gone; where they still run, they finish their own jobs.
 */
export async function adoptStranded(client: Client, options: { namespace: string; buildId: string }): Promise<number> {
  const { namespace, buildId } = options;
  let moved = 0;
  for await (const { workflowId, runId } of client.workflow.list({ query: strandedQuery(buildId) })) {
    await client.workflowService.updateWorkflowExecutionOptions({
      namespace,
      workflowExecution: { workflowId, runId },
      workflowExecutionOptions: {
        versioningOverride: {
          pinned: {
            behavior:
              proto.temporal.api.workflow.v1.VersioningOverride.PinnedOverrideBehavior.PINNED_OVERRIDE_BEHAVIOR_PINNED,
            version: { deploymentName: WORKER_DEPLOYMENT, buildId },
          },
        },
      },
      updateMask: { paths: ['versioning_override'] },
    });
    moved += 1;
  }
  return moved;
}
