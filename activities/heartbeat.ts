import { Context } from '@temporalio/activity';

/** Well within every heartbeat timeout in use (the shortest is 20 s). */
const BEAT_MS = 5_000;

/** Heartbeats while `work` runs, so that a dead worker is noticed and a cancel arrives. `work` may report its progress. */
export async function withHeartbeat<T>(work: (report: (progress: unknown) => void) => Promise<T>): Promise<T> {
  const context = Context.current();
  let progress: unknown;
  const beat = (): void => context.heartbeat(progress);
  beat();
  const timer = setInterval(beat, BEAT_MS);
  try {
    return await work((reported) => {
      progress = reported;
    });
  } finally {
    clearInterval(timer);
  }
}
