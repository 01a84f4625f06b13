import { setTimeout as sleep } from 'node:timers/promises';
import { isReelwrightError } from '../../domain/errors.js';

const PAUSE_MS = 200;

/** Tries again while the database is away (NOT_READY), until `patienceMs` have passed; then throws what it threw last. */
export async function whileAway<T>(patienceMs: () => number, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isReelwrightError(error, 'NOT_READY') || performance.now() - began >= patienceMs()) throw error;
      await sleep(PAUSE_MS);
    }
  }
}
