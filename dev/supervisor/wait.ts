/** Waiting for conditions, with limits that are always inputs. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** How long to go on asking, in milliseconds. */
  limitMs: number;
  /** Pause between two questions, in milliseconds. */
  everyMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Asks until the answer is true.
 * @returns true when it became true, false when the limit passed
 * @throws what `condition` throws, and the signal's reason once it is aborted
 */
export async function becomesTrue(condition: () => boolean | Promise<boolean>, options: WaitOptions): Promise<boolean> {
  const end = performance.now() + options.limitMs;
  for (;;) {
    options.signal?.throwIfAborted();
    if (await condition()) return true;
    if (performance.now() >= end) return false;
    await pause(options.everyMs, options.signal);
  }
}

/** Sleeps; an aborted signal ends the sleep by throwing the signal's own reason. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
