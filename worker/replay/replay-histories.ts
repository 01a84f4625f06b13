/** Runs recorded histories through today's workflow code, with neither a server nor a worker. */
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { WorkerOptions } from '@temporalio/worker';
import { type Difference, firstDifference } from './first-difference.js';
import { type Activation, observedWorker } from './observed-worker.js';

export interface RecordedHistory {
  workflowId: string;
  history: History;
}

export interface Replayed {
  workflowId: string;
  /** The workflow's type. */
  type: string;
  /** How many events the history has. */
  events: number;
  /** Undefined where the code does what the history says. */
  difference?: Difference;
}

/**
 * Replays one history after the other, as they come, and keeps none: memory does not grow with their number. Gives a
 * result for each, in their order. Throws what `histories` throws.
 */
export async function* replayHistories(
  workflowBundle: NonNullable<WorkerOptions['workflowBundle']>,
  histories: AsyncIterable<RecordedHistory> | Iterable<RecordedHistory>,
): AsyncGenerator<Replayed> {
  let current: RecordedHistory | undefined;
  let last: Activation[] = [];
  const worker = observedWorker((activation) => {
    if (last[0]?.historyLength !== activation.historyLength) last = [];
    last.push(activation);
  });
  async function* noted(): AsyncGenerator<RecordedHistory> {
    for await (const one of histories) {
      current = one;
      last = [];
      yield one;
    }
  }
  // Few at once are in memory: only one is at work.
  const options = { workflowBundle, maxCachedWorkflows: 2, workflowThreadPoolSize: 1 };
  for await (const { workflowId, error } of worker.runReplayHistories(options, noted())) {
    const events = current?.history.events ?? [];
    const type = events[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name ?? 'unknown';
    const replayed = { workflowId, type, events: events.length };
    yield error === undefined ? replayed : { ...replayed, difference: firstDifference(events, last, error.message) };
  }
}
