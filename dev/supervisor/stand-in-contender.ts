/** A process that tries to take a lock when it is told to, for the test of many at once. */
import { LockHeldError, takeLock } from './lock.js';

const path = process.argv[2];
if (path === undefined) throw new Error('Expected the path of a lock');
let unlock: (() => void) | undefined;

async function take(lock: string): Promise<string> {
  try {
    unlock = await takeLock(lock);
    return 'taken';
  } catch (error) {
    if (error instanceof LockHeldError) return 'held';
    throw error;
  }
}

process.on('message', (message) => {
  if (message === 'take') {
    void take(path).then((outcome) => process.send?.(outcome));
  } else {
    unlock?.();
    unlock = undefined;
    process.send?.('done');
  }
});
process.send?.('here');
