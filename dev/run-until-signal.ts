/** Turns signals into an ordered stop, and a second one into a stop at once. */

/** What is stopped. */
export interface Stoppable {
  stop(): Promise<void>;
  kill(): void;
}

/** A signal to the whole process group reaches this process twice: by itself, and handed on by make. */
const SAME_WISH_MS = 1_000;

/**
 * Runs `work`; where it returns an exit code the process ends with it, else it goes on until a signal comes.
 * @param work gets a signal that is aborted as soon as a stop begins
 * @param sameWishMs signals that come within this many milliseconds of the first are the same wish
 */
export async function runUntilSignal(
  target: Stoppable,
  work: (stopped: AbortSignal) => Promise<number | undefined>,
  sameWishMs: number = SAME_WISH_MS,
): Promise<never> {
  const stopped = new AbortController();
  let firstAt: number | undefined;
  const done = new Promise<number>((resolve) => {
    const onSignal = (signal: NodeJS.Signals): void => {
      if (firstAt === undefined) {
        firstAt = performance.now();
        console.log('\nStopping; once more to stop at once');
        stopped.abort();
        target.stop().then(
          () => resolve(0),
          (error: unknown) => {
            console.error(error);
            resolve(1);
          },
        );
      } else if (performance.now() - firstAt > sameWishMs) {
        console.log(`${signal} again: ending all parts now`);
        target.kill();
      }
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  });
  // A reader of our output that has gone away (a closed terminal, `head`) must not end the stack out of order.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const code = await work(stopped.signal);
  if (code !== undefined && firstAt === undefined) {
    await target.stop();
    process.exit(code);
  }
  process.exit((await done) || (code ?? 0));
}
