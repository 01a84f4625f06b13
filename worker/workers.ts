/** The workers of each task queue. A process runs some of them together. */
import { availableParallelism } from 'node:os';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { ActivityDeps } from '../activities/deps.js';
import {
  createBuyingActivities,
  createLightActivities,
  createMediaActivities,
  createOutputActivities,
  createRenditionActivities,
} from '../activities/index.js';
import type { ReconcileDeps } from '../activities/reconcile-deps.js';
import { buyingQueue, mediaQueue, outputQueue, renditionQueue, WORKER_DEPLOYMENT } from '../domain/contract.js';
import { activityInterceptors } from '../telemetry/interceptors.js';
import { workflowSinks } from '../telemetry/workflow-sink.js';
import { classifyFailures } from './failure-interceptor.js';

export interface WorkerSetup {
  connection: NativeConnection;
  namespace: string;
  taskQueue: string;
  /** Undefined: unversioned workers, which take any job of their queue. */
  buildId: string | undefined;
  shutdownGraceMs: number;
}

/**
 * Most workflows kept in memory, a job of 100 clips being 101 of them. What is not kept is replayed from its whole history
 * with every task; one takes about 0.2 MB, since their modules are shared.
 */
export const CACHED_WORKFLOWS = 200;

function common(
  { connection, namespace, buildId, shutdownGraceMs }: WorkerSetup,
  { logger }: Pick<ActivityDeps, 'logger'>,
): Omit<WorkerOptions, 'taskQueue'> {
  const sinks = workflowSinks();
  return {
    connection,
    namespace,
    interceptors: { activity: [...activityInterceptors(logger), () => ({ inbound: classifyFailures() })] },
    ...(sinks && { sinks }),
    // The default of 0 would end running activities at once, and a purchase with them.
    shutdownGraceTime: shutdownGraceMs,
    ...(buildId === undefined
      ? {}
      : {
          workerDeploymentOptions: {
            useWorkerVersioning: true,
            version: { deploymentName: WORKER_DEPLOYMENT, buildId },
            defaultVersioningBehavior: 'PINNED',
          },
        }),
  };
}

/** Workflows and light activities. */
export async function createOrchestrationWorker(
  setup: WorkerSetup,
  deps: ReconcileDeps,
  workflowBundle: NonNullable<WorkerOptions['workflowBundle']>,
): Promise<Worker> {
  return await Worker.create({
    ...common(setup, deps),
    taskQueue: setup.taskQueue,
    workflowBundle,
    activities: createLightActivities(deps),
    maxCachedWorkflows: CACHED_WORKFLOWS,
    // A second thread costs 60 MB and gains nothing on two cores.
    workflowThreadPoolSize: 1,
  });
}

/** Purchases, no faster than the provider allows; the limit is the queue's, whatever number of workers it has. */
export async function createBuyingWorker(
  setup: WorkerSetup,
  deps: ActivityDeps,
  createsPerMinute: number,
): Promise<Worker> {
  return await Worker.create({
    ...common(setup, deps),
    taskQueue: buyingQueue(setup.taskQueue),
    activities: createBuyingActivities(deps),
    ...(createsPerMinute === 0 ? {} : { maxTaskQueueActivitiesPerSecond: createsPerMinute / 60 }),
  });
}

/** What was bought is fetched and decoded once: as many at once as there are cores, whatever is being cut meanwhile. */
export async function createOutputWorker(setup: WorkerSetup, deps: ActivityDeps): Promise<Worker> {
  return await Worker.create({
    ...common(setup, deps),
    taskQueue: outputQueue(setup.taskQueue),
    activities: createOutputActivities(deps),
    maxConcurrentActivityTaskExecutions: availableParallelism(),
  });
}

/** Cuts: as many at once as there are cores. */
export async function createMediaWorker(setup: WorkerSetup, deps: ActivityDeps): Promise<Worker> {
  return await Worker.create({
    ...common(setup, deps),
    taskQueue: mediaQueue(setup.taskQueue),
    // Jobs that an earlier build has left here may still have their outputs fetched by this queue.
    activities: { ...createMediaActivities(deps), ...createOutputActivities(deps) },
    maxConcurrentActivityTaskExecutions: availableParallelism(),
  });
}

/** Exports and combinations: each has ffmpeg use all cores for minutes, so one at a time. */
export async function createRenditionWorker(setup: WorkerSetup, deps: ActivityDeps): Promise<Worker> {
  return await Worker.create({
    ...common(setup, deps),
    taskQueue: renditionQueue(setup.taskQueue),
    activities: createRenditionActivities(deps),
    maxConcurrentActivityTaskExecutions: 1,
  });
}
