import type { Pool, PoolClient } from 'pg';
import { ReelwrightError } from '../domain/errors.js';

/** A connection taken out of the pool. Exactly one of `giveBack` and `discard` ends its use; later calls do nothing. */
export interface BorrowedClient {
  client: PoolClient;
  /** Aborted, with the reason, when the connection breaks while it is borrowed. */
  lost: AbortSignal;
  /** Puts the connection back, fit for the next user: nothing runs on it and no transaction is open. */
  giveBack: () => void;
  /** Closes the connection; Postgres ends whatever ran on it and rolls back. */
  discard: () => void;
}

/**
 * Takes a connection out of the pool and watches it: a borrowed connection that breaks emits an error, and without a
 * listener that would end the process. Throws NOT_READY when there is no connection to be had.
 */
export async function borrowClient(pool: Pool): Promise<BorrowedClient> {
  const client = await pool.connect().catch((cause: unknown) => {
    throw new ReelwrightError('NOT_READY', 'expected a database connection within the time limit, got none', { cause });
  });
  const lost = new AbortController();
  const onError = (error: Error): void => lost.abort(error);
  client.on('error', onError);
  let borrowed = true;
  const release = (destroy: boolean): void => {
    if (!borrowed) return;
    borrowed = false;
    client.release(destroy);
    client.off('error', onError);
  };
  return {
    client,
    lost: lost.signal,
    giveBack: () => release(lost.signal.aborted),
    discard: () => release(true),
  };
}

/** Runs statements that leave no transaction open, on a connection of the pool. `when` goes into a NOT_READY message. */
export async function withClient<Result>(
  pool: Pool,
  when: string,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const { client, lost, giveBack, discard } = await borrowClient(pool);
  try {
    const result = await work(client);
    giveBack();
    return result;
  } catch (error) {
    const broken = connectionError(error, lost, when);
    if (broken === undefined) giveBack();
    else discard();
    throw broken ?? error;
  }
}

/** Codes of Postgres with which it ends a connection: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const CONNECTION_ENDED = new Set(['57P01', '57P02', '57P03', '57P05']);

/** NOT_READY with `error` as its cause when that came of a connection that broke, else undefined. */
export function connectionError(error: unknown, lost: AbortSignal, when: string): ReelwrightError | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (!lost.aborted && !(typeof code === 'string' && CONNECTION_ENDED.has(code))) return undefined;
  return new ReelwrightError('NOT_READY', `the database connection was lost ${when}`, { cause: error });
}
