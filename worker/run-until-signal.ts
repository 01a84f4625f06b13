import type { Worker } from '@temporalio/worker';
import type { Logger } from '../config/logger.js';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs the workers until a signal or until one of them fails, then drains all of them: running activities end or are
 * handed back. Rejects with a worker's failure.
 */
export async function runUntilSignal(workers: readonly Worker[], logger: Logger): Promise<void> {
  const shutdown = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    logger.info({ signal }, 'draining');
    shutdown();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const runs = workers.map((worker) => worker.run());
  logger.info({ queues: workers.map((worker) => worker.options.taskQueue) }, 'polling');
  try {
    await Promise.race([Promise.all(runs), ...runs.map((run) => run.then(() => undefined))]);
  } finally {
    shutdown();
    await Promise.allSettled(runs);
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}
