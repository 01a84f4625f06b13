/** The worker process: workflows, light activities and purchases. */
import { startOrExit } from '../config/start-failure.js';
import { TASK_QUEUE } from '../domain/contract.js';
import { guardLedgerAtStart } from './ledger-guard.js';
import { runUntilSignal } from './run-until-signal.js';
import { openWorkerRuntime } from './runtime.js';
import { ensureSchedules } from './schedules.js';
import { createBuyingWorker, createOrchestrationWorker } from './workers.js';
import { findWorkflowBundle } from './workflow-bundle.js';

/** Long enough for a purchase that is under way: its POST is given up after 15 s. */
const SHUTDOWN_GRACE_MS = 20_000;

const runtime = await startOrExit('worker', () => openWorkerRuntime('worker'));
const { env, logger, connection, client, deps, buildId } = runtime;
const workflowBundle = await startOrExit('worker', () => findWorkflowBundle(env.WORKFLOW_BUNDLE_PATH));
const setup = {
  connection,
  namespace: env.TEMPORAL_NAMESPACE,
  taskQueue: TASK_QUEUE,
  buildId,
  shutdownGraceMs: SHUTDOWN_GRACE_MS,
};
await startOrExit('worker', () => guardLedgerAtStart(deps));
const workers = [
  await createOrchestrationWorker(setup, deps, workflowBundle),
  await createBuyingWorker(setup, deps, env.CREATES_PER_MINUTE),
];
await ensureSchedules(client, { taskQueue: TASK_QUEUE, selfTest: deps.settings.selfTest !== null });
logger.info({ buildId }, 'worker starts');
await runUntilSignal(workers, logger);
await runtime.close();
