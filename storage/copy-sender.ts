import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { COPY_HEADER, COPY_TRAILER } from './copy-binary.js';

/** An open `COPY blob_chunks FROM STDIN`. Its methods throw what failed the COPY, or the signal's reason. */
export interface CopySender {
  /** Resolves when the row before this one has left the process, and this one is on its way. */
  send(row: Buffer): Promise<void>;
  /** Resolves when Postgres has taken all rows. */
  end(): Promise<void>;
}

/** Starts the COPY. On failure or abort the connection is left in the middle of it: discard it. */
export function startCopy(client: PoolClient, signal: AbortSignal): CopySender {
  const copy = client.query(copyFrom('COPY blob_chunks (blob_id, n, data) FROM STDIN (FORMAT binary)'));
  const failure = new AbortController();
  copy.on('error', (error) => failure.abort(error));
  const stop = AbortSignal.any([signal, failure.signal]);
  const socket = client.connection.stream;
  const written = async (bytes: Buffer): Promise<void> => {
    await untilDone(stop, (done) => copy.write(bytes, done));
    // The stream answers when the socket wants more, which a socket with a large buffer does before it sent the bytes.
    if (socket.writableLength > 0) await untilDone(stop, (done) => socket.write(EMPTY, done));
  };
  let last: Promise<void>;
  const start = (bytes: Buffer): void => {
    last = written(bytes);
    // Whoever waits for it next gets the failure; nobody does when the source failed first.
    last.catch(() => undefined);
  };
  start(COPY_HEADER);
  return {
    async send(row) {
      await last;
      start(row);
    },
    async end() {
      await last;
      await untilDone(stop, (done) => {
        copy.once('finish', done);
        copy.end(COPY_TRAILER);
      });
    },
  };
}

const EMPTY = Buffer.alloc(0);

/** Waits until `start` calls back; throws the signal's reason when that is aborted first. */
async function untilDone(signal: AbortSignal, start: (done: (error?: Error | null) => void) => void): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    start((error) => {
      signal.removeEventListener('abort', onAbort);
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
  });
}
