/** The media worker process: fetches and checks clips, cuts videos, exports and combines them. */
import { requireMediaPrograms } from '../config/media-programs.js';
import { startOrExit } from '../config/start-failure.js';
import { TASK_QUEUE } from '../domain/contract.js';
import { runUntilSignal } from './run-until-signal.js';
import { openWorkerRuntime } from './runtime.js';
import { createMediaWorker, createOutputWorker, createRenditionWorker } from './workers.js';

/** A clip that is being fetched may end; a cut that takes longer is handed back and starts anew elsewhere. */
const SHUTDOWN_GRACE_MS = 15_000;

const runtime = await startOrExit('media-worker', async () => {
  const opened = await openWorkerRuntime('media-worker');
  await requireMediaPrograms(opened.env, ['FFMPEG_PATH', 'FFPROBE_PATH']);
  return opened;
});
const { env, logger, connection, deps, buildId } = runtime;
const setup = {
  connection,
  namespace: env.TEMPORAL_NAMESPACE,
  taskQueue: TASK_QUEUE,
  buildId,
  shutdownGraceMs: SHUTDOWN_GRACE_MS,
};
const workers = [
  await createOutputWorker(setup, deps),
  await createMediaWorker(setup, deps),
  await createRenditionWorker(setup, deps),
];
logger.info({ buildId }, 'media worker starts');
await runUntilSignal(workers, logger);
await runtime.close();
