/** The worker process: workflows, light activities and purchases. */
import { TASK_QUEUE } from '../domain/contract.js';
import { bundleWorkflows } from './bundle.js';
import { runUntilSignal } from './run-until-signal.js';
import { openWorkerRuntime } from './runtime.js';
import { ensureSchedules } from './schedules.js';
import { createBuyingWorker, createOrchestrationWorker } from './workers.js';

/** Long enough for a purchase that is under way: its POST is given up after 15 s. */
const SHUTDOWN_GRACE_MS = 20_000;

const runtime = await openWorkerRuntime('worker');
const { env, logger, connection, client, deps, buildId } = runtime;
const bundlePath = env.WORKFLOW_BUNDLE_PATH;
const workflowBundle = bundlePath === undefined ? await bundleWorkflows() : { codePath: bundlePath };
const setup = {
  connection,
  namespace: env.TEMPORAL_NAMESPACE,
  taskQueue: TASK_QUEUE,
  buildId,
  shutdownGraceMs: SHUTDOWN_GRACE_MS,
};
const workers = [
  await createOrchestrationWorker(setup, deps, workflowBundle),
  await createBuyingWorker(setup, deps, env.CREATES_PER_MINUTE),
];
await ensureSchedules(client, TASK_QUEUE);
logger.info({ buildId }, 'worker starts');
await runUntilSignal(workers, logger);
await runtime.close();
