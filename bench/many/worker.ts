/**
 * A worker process of the bench: `node worker.ts <role> <task queue>`, the rest from the environment. Says `ready` over
 * its channel, what it fetches and when, and its peak memory when it is asked.
 */
import { Client } from '@temporalio/client';
import { type NativeConnection, Worker } from '@temporalio/worker';
import type { MediaActivities, OutputActivities } from '../../domain/activity-contract.js';
import { buyingQueue, generationId, mediaQueue, outputQueue, SIGNALS } from '../../domain/contract.js';
import { openWorkerRuntime } from '../../worker/runtime.js';
import { CACHED_WORKFLOWS, createBuyingWorker, createOrchestrationWorker } from '../../worker/workers.js';
import { findWorkflowBundle } from '../../worker/workflow-bundle.js';
import { createInstantProvider } from './instant-provider.js';
import { createStubbedMedia } from './stubbed-media.js';

export type Role = 'ours' | 'ours-media' | 'instant' | 'instant-media';
export type Message = 'ready' | { predictionId: string; fetchedAt: number } | { peakRssMb: number };
export interface Command {
  webhookAfterMs?: number;
  report?: true;
}

const [, , role, taskQueue] = process.argv as [string, string, Role, string];
const [secret, blobId] = [required('REPLICATE_WEBHOOK_SECRET'), required('BENCH_BLOB_ID')];
const say = (message: Message): void => void process.send?.(message);

let webhookAfterMs = 0;
const runtime = await openWorkerRuntime('worker');
const { env, connection } = runtime;
const namespace = env.TEMPORAL_NAMESPACE;
const workers = await workersOf(role);
process.on('message', (command: Command) => {
  webhookAfterMs = command.webhookAfterMs ?? webhookAfterMs;
  if (command.report) say({ peakRssMb: process.resourceUsage().maxRSS / 1000 });
});
process.once('SIGTERM', () => {
  for (const worker of workers) worker.shutdown();
});
say('ready');
await Promise.all(workers.map((worker) => worker.run()));
await runtime.close();

async function workersOf(wanted: Role): Promise<Worker[]> {
  const setup = { connection, namespace, taskQueue, buildId: undefined, shutdownGraceMs: 1_000 };
  const deps = { ...runtime.deps, provider: createInstantProvider(secret, () => webhookAfterMs) };
  const bundle = await findWorkflowBundle(env.WORKFLOW_BUNDLE_PATH);
  switch (wanted) {
    case 'ours':
      return [await createOrchestrationWorker(setup, deps, bundle), await createBuyingWorker(setup, deps, 0)];
    case 'ours-media': {
      const onFetch = (predictionId: string): void => {
        // The delays are measured in jobs that come one after the other; among a hundred at once nobody asks.
        if (webhookAfterMs > 0) say({ predictionId, fetchedAt: Date.now() });
      };
      return await mediaWorkers(createStubbedMedia({ deps, blobId, onFetch }));
    }
    case 'instant': {
      const activities = instantActivities(connection);
      const base = { connection, namespace, activities };
      return [
        await Worker.create({
          ...base,
          taskQueue,
          workflowBundle: bundle,
          maxCachedWorkflows: CACHED_WORKFLOWS,
          workflowThreadPoolSize: 1,
        }),
        await Worker.create({ ...base, taskQueue: buyingQueue(taskQueue) }),
      ];
    }
    case 'instant-media':
      return await mediaWorkers(instantActivities(connection));
  }
}

async function mediaWorkers(activities: Partial<OutputActivities & MediaActivities>): Promise<Worker[]> {
  const queues = [outputQueue(taskQueue), mediaQueue(taskQueue)];
  return await Promise.all(
    queues.map((queue) => Worker.create({ connection, namespace, taskQueue: queue, activities })),
  );
}

/** What the workflows call, answered at once; a purchase tells its generation itself that it is done. */
function instantActivities(of: NativeConnection): Record<string, (input: never) => Promise<unknown>> {
  const client = new Client({ connection: of, namespace });
  const video = { durationSeconds: 16, sizeBytes: 1 };
  const clips = [1, 2, 3, 4];
  const polling = { firstMs: 20_000, maxMs: 60_000, factor: 1.5 };
  return {
    planJob: async () => ({ summary: 'a job', clips, parallelClips: 10, fetchImages: false }),
    prepareGeneration: async () => ({ outcome: null, polling }),
    buy: async ({ jobId, subject }: { jobId: string; subject: `clip:${number}` }) => {
      const workflowId = generationId(jobId, subject);
      await client.workflow.getHandle(workflowId).signal(SIGNALS.predictionCompleted, { predictionId: workflowId });
      return { predictionId: workflowId, attempt: 1 };
    },
    collectOutput: async ({ predictionId }: { predictionId: string }) => ({ status: 'stored', predictionId }),
    cutVideo: async () => video,
    makePoster: async () => ({ sizeBytes: 1 }),
    makePreviews: async () => ({ pictures: 3 }),
    completeJob: async () => ({ status: 'completed', ...video }),
  };
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`expected ${name} in the environment`);
  return value;
}
