/** A worker process of the floor: `node worker.ts <role> <address> <namespace> <task queue>`. */
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { buyingQueue, mediaQueue, outputQueue } from '../../domain/contract.js';
import { CACHED_WORKFLOWS } from '../../worker/workers.js';

const [, , role, address, namespace, taskQueue] = process.argv;
if (role === undefined || address === undefined || namespace === undefined || taskQueue === undefined) {
  throw new Error('expected: <orchestration|media> <address> <namespace> <task queue>');
}
const logger = new DefaultLogger('ERROR');
Runtime.install({ logger });
const connection = await NativeConnection.connect({ address });
const base = { connection, namespace, activities: { nothing: async () => undefined } };
const workflowsPath = fileURLToPath(new URL('./workflows.ts', import.meta.url));
const workers =
  role === 'media'
    ? [
        await Worker.create({ ...base, taskQueue: outputQueue(taskQueue) }),
        await Worker.create({ ...base, taskQueue: mediaQueue(taskQueue) }),
      ]
    : [
        await Worker.create({
          ...base,
          taskQueue,
          workflowBundle: await bundleWorkflowCode({ workflowsPath, logger }),
          maxCachedWorkflows: CACHED_WORKFLOWS,
          workflowThreadPoolSize: 1,
        }),
        await Worker.create({ ...base, taskQueue: buyingQueue(taskQueue) }),
      ];
process.send?.('ready');
await Promise.all(workers.map((worker) => worker.run()));
await connection.close();
