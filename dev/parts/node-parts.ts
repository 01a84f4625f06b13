/** Our own programs as parts: the local Replicate, the api, and the two worker processes. */
import { mediaQueue, TASK_QUEUE } from '../../domain/contract.js';
import { nodePart } from '../supervisor/node-command.js';
import type { PartSpec } from '../supervisor/part.js';
import { answersOk, fetchText } from '../supervisor/probe.js';
import { TEMPORAL_NAMESPACE } from './temporal.js';

/** V8 takes what it may: without a limit it grows far beyond what a part needs, and the whole stack has 2 GB. */
const MEMORY_FLAGS = {
  replicate: ['--max-old-space-size=256', '--max-semi-space-size=4'],
  // Its young objects are mostly handles of bytes outside of the heap, which are only freed with them.
  api: ['--max-old-space-size=256', '--max-semi-space-size=1'],
  worker: ['--max-old-space-size=192', '--max-semi-space-size=4'],
  mediaWorker: ['--max-old-space-size=128', '--max-semi-space-size=4'],
} as const;

interface NodePartOptions {
  /** The checkout. */
  root: string;
  env: NodeJS.ProcessEnv;
}

export function replicatePart(options: NodePartOptions & { port: number; token: string }): PartSpec {
  const { root, env, port, token } = options;
  const url = `http://127.0.0.1:${port}/v1/webhooks/default/secret`;
  return {
    name: 'replicate',
    command: nodePart({
      root,
      file: 'dev/replicate/main.ts',
      nodeFlags: MEMORY_FLAGS.replicate,
      env: { ...env, HOST: '127.0.0.1', PORT: String(port) },
    }),
    isReady: () => answersOk(url, { authorization: `Bearer ${token}` }),
    readyLimitMs: 60_000,
    stopSignal: 'SIGTERM',
    stopLimitMs: 5_000,
  };
}

export function apiPart(options: NodePartOptions & { host: string; port: number }): PartSpec {
  const { root, env, host, port } = options;
  return {
    name: 'api',
    command: nodePart({
      root,
      file: 'api/main.ts',
      nodeFlags: MEMORY_FLAGS.api,
      // What many threads of glibc would each keep for themselves.
      env: { MALLOC_ARENA_MAX: '1', ...env, HOST: host, PORT: String(port) },
    }),
    isReady: () => answersOk(`http://127.0.0.1:${port}/health/ready`),
    readyLimitMs: 60_000,
    stopSignal: 'SIGTERM',
    // It gives requests that are under way 7 s.
    stopLimitMs: 10_000,
  };
}

/** @param temporalUiUrl where to ask for pollers; undefined with a Temporal that is not ours */
export function workerPart(options: NodePartOptions & { temporalUiUrl: string | undefined }): PartSpec {
  // A purchase that is under way may end: the worker gives it 25 s.
  return pollingPart('worker', 'worker/main.ts', TASK_QUEUE, 26_000, options);
}

/** @param temporalUiUrl where to ask for pollers; undefined with a Temporal that is not ours */
export function mediaWorkerPart(options: NodePartOptions & { temporalUiUrl: string | undefined }): PartSpec {
  // A fetch that is under way may end: the worker gives it 15 s.
  return pollingPart('mediaWorker', 'worker/media-main.ts', mediaQueue(TASK_QUEUE), 17_000, options);
}

function pollingPart(
  name: 'worker' | 'mediaWorker',
  file: string,
  queue: string,
  stopLimitMs: number,
  options: NodePartOptions & { temporalUiUrl: string | undefined },
): PartSpec {
  const { root, env, temporalUiUrl } = options;
  return {
    name,
    command: nodePart({ root, file, nodeFlags: MEMORY_FLAGS[name], env }),
    // With a Temporal that is not ours the deployment tells: it becomes current only when its queues are polled.
    isReady: (pid) => (temporalUiUrl === undefined ? Promise.resolve(true) : isPolling(temporalUiUrl, queue, pid)),
    readyLimitMs: 60_000,
    stopSignal: 'SIGTERM',
    stopLimitMs,
  };
}

/**
 * Whether that process polls the queue for activities. A worker's identity is `<pid>@<host>` unless it was given
 * another; the server goes on listing the pollers of dead workers for minutes, so the number matters.
 */
async function isPolling(temporalUiUrl: string, queue: string, pid: number): Promise<boolean> {
  const activities = 'TASK_QUEUE_TYPE_ACTIVITY';
  const path = `/api/v1/namespaces/${TEMPORAL_NAMESPACE}/task-queues/${queue}?taskQueueType=${activities}`;
  const text = await fetchText(`${temporalUiUrl}${path}`);
  if (text === undefined) return false;
  const { pollers = [] } = JSON.parse(text) as { pollers?: { identity?: string }[] };
  return pollers.some(({ identity }) => identity?.startsWith(`${pid}@`));
}
