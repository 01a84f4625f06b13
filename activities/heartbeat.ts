import { Context } from '@temporalio/activity';

/** Well within every heartbeat timeout in use (the shortest is 20 s). */
const BEAT_MS = 5_000;

/**
 * Heartbeats while `work` runs, so that a dead worker is noticed and a cancel arrives. `work` may report its progress. What
 * is done sooner than the first of them sends none, since each costs the server a write; until something is reported they
 * carry what the attempt before had reached.
 */
export async function withHeartbeat<T>(work: (report: (progress: unknown) => void) => Promise<T>): Promise<T> {
  const context = Context.current();
  let progress: unknown = context.info.heartbeatDetails;
  const timer = setInterval(() => context.heartbeat(progress), BEAT_MS);
  try {
    return await work((reported) => {
      progress = reported;
    });
  } finally {
    clearInterval(timer);
  }
}
