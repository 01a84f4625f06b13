/** A process that is told to stop by signals, for their test. Arguments: how long its stop takes, and `sameWishMs`. */
import { runUntilSignal } from './run-until-signal.js';

const [stopMs = 0, sameWishMs = 0] = process.argv.slice(2, 4).map(Number);
let timer: NodeJS.Timeout | undefined;
let end: () => void = () => undefined;
const target = {
  stop: () =>
    new Promise<void>((resolve) => {
      console.log('stop');
      end = resolve;
      timer = setTimeout(resolve, stopMs);
    }),
  kill: () => {
    console.log('kill');
    clearTimeout(timer);
    end();
  },
};
await runUntilSignal(
  target,
  (stopped) => {
    stopped.addEventListener('abort', () => console.log('aborted'));
    setInterval(() => undefined, 1_000);
    console.log('running');
    return Promise.resolve(undefined);
  },
  sameWishMs,
);
