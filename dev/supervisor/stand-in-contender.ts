/** A process that tries to take a lock at the very moment it is told, for the test of several at once. */
import { LockHeldError, takeLock } from './lock.js';

const path = process.argv[2];
if (path === undefined) throw new Error('Expected the path of a lock');
let unlock: (() => void) | undefined;

async function take(lock: string, at: number): Promise<string> {
  // Spinning, since timers wake up milliseconds apart, and the race is over in microseconds.
  while (performance.timeOrigin + performance.now() < at);
  try {
    unlock = await takeLock(lock);
    return 'taken';
  } catch (error) {
    if (error instanceof LockHeldError) return 'held';
    throw error;
  }
}

process.on('message', (at) => {
  if (typeof at === 'number') {
    void take(path, at).then((outcome) => process.send?.(outcome));
  } else {
    unlock?.();
    unlock = undefined;
    process.send?.('given back');
  }
});
process.send?.('here');
