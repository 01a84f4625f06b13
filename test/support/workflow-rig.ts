/** Runs workflows on a real server with activities that a test gives, on task queues of the test's own. */
import { randomUUID } from 'node:crypto';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import './quiet-runtime.js';
import { NativeConnection, Worker } from '@temporalio/worker';
import type {
  BatchActivities,
  BuyingActivities,
  MediaActivities,
  OutputActivities,
  ProviderActivities,
  RenditionActivities,
  RowActivities,
  SelfTestActivities,
  StoreActivities,
} from '../../domain/activity-contract.js';
import { buyingQueue, mediaQueue, outputQueue, renditionQueue, videoJobId } from '../../domain/contract.js';
import { classifyFailures } from '../../worker/failure-interceptor.js';
import type { generation, videoJob } from '../../workflows/index.js';
import { keepProduced } from './produced-histories.js';
import type { ProvidedTemporal } from './temporal-part.js';

export type AllActivities = RowActivities &
  ProviderActivities &
  BuyingActivities &
  OutputActivities &
  MediaActivities &
  RenditionActivities &
  BatchActivities &
  SelfTestActivities &
  StoreActivities;

export interface WorkflowRig {
  client: Client;
  jobId: string;
  taskQueue: string;
  /** Starts the job's workflow, as the api does. */
  startJob(): Promise<WorkflowHandle<typeof videoJob>>;
  generation(number: number): WorkflowHandle<typeof generation>;
}

/** Gives `test` the workflows of a job while workers of all queues run; they are stopped in any case. */
export async function runWorkflowRig(
  { address, namespace, bundlePath }: ProvidedTemporal,
  activities: AllActivities,
  jobId: string,
  test: (rig: WorkflowRig) => Promise<void>,
  { buysPerSecond }: { buysPerSecond?: number } = {},
): Promise<void> {
  const taskQueue = `test-${randomUUID()}`;
  const connection = await NativeConnection.connect({ address });
  const clientConnection = await Connection.connect({ address });
  const client = new Client({ connection: clientConnection, namespace });
  const base = { connection, namespace, interceptors: { activity: [() => ({ inbound: classifyFailures() })] } };
  const workers = await Promise.all([
    Worker.create({ ...base, taskQueue, workflowBundle: { codePath: bundlePath }, activities }),
    Worker.create({
      ...base,
      taskQueue: buyingQueue(taskQueue),
      activities,
      ...(buysPerSecond === undefined ? {} : { maxTaskQueueActivitiesPerSecond: buysPerSecond }),
    }),
    Worker.create({ ...base, taskQueue: outputQueue(taskQueue), activities }),
    Worker.create({ ...base, taskQueue: mediaQueue(taskQueue), activities }),
    Worker.create({ ...base, taskQueue: renditionQueue(taskQueue), activities }),
  ]);
  const runs = Promise.all(workers.map((worker) => worker.run()));
  try {
    await test({
      client,
      jobId,
      taskQueue,
      startJob: () =>
        client.workflow.start<typeof videoJob>('videoJob', {
          workflowId: videoJobId(jobId),
          taskQueue,
          args: [{ jobId, runNumber: 1 }],
        }),
      generation: (number) => client.workflow.getHandle(`${videoJobId(jobId)}-clip-${String(number).padStart(2, '0')}`),
    });
  } finally {
    for (const worker of workers) worker.shutdown();
    await runs;
    await keepProduced(client, taskQueue);
    await clientConnection.close();
    await connection.close();
  }
}
