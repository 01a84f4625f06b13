/** The working processes of the stack, killed, frozen and waited for by their pids in the state file. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { StackState } from '../../dev/stack-state.js';

export const PARTS = ['api', 'worker', 'mediaWorker', 'temporal', 'postgres', 'replicate'] as const;
export type PartName = (typeof PARTS)[number];

const LOOK_EVERY_MS = 10;

export function pidOf(state: StackState, part: PartName): number {
  const pid = state.pids[part];
  if (pid === undefined) throw new Error(`expected a process of ${part} in the state file`);
  return pid;
}

/** Sends the signal; false where there is no such process. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}

/** SIGKILL, and waits until the process is no more. False where it was dead before. */
export async function killNow(pid: number): Promise<boolean> {
  const wasThere = signal(pid, 'SIGKILL');
  while (signal(pid, 0)) await sleep(LOOK_EVERY_MS);
  return wasThere;
}

/** Waits until the part has another process, which is healthy: only then does the state file tell it. */
export async function restarted(
  stateOf: () => StackState,
  part: PartName,
  formerPid: number,
  limitMs: number,
): Promise<void> {
  for (const end = performance.now() + limitMs; pidOf(stateOf(), part) === formerPid; await sleep(LOOK_EVERY_MS * 10)) {
    if (performance.now() > end) throw new Error(`${part} was not started again within ${limitMs} ms`);
  }
}
