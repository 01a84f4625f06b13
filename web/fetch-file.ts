import { createWriteStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { ReelwrightError } from '../domain/errors.js';
import type { AddressGuard } from './address-guard.js';
import { openAddress } from './open-address.js';
import { shownAddress } from './shown-address.js';

export interface FetchFileOptions {
  maxBytes: number;
  /** For all of it, redirects included, in milliseconds. */
  timeLimitMs: number;
  signal?: AbortSignal;
  /** Called with the number of bytes so far. */
  onBytes?: (bytes: number) => void;
}

/**
 * Fetches what lies under an address into a file, whole or not at all (a part of it may be left in the file). Gives its
 * size in bytes. Throws URL_REFUSED where the guard does, also for the target of a redirect; IMAGE_NOT_FETCHED where
 * asking again would not help; IMAGE_UNREACHABLE where it may: a server's fault, a connection that is cut, the time
 * limit. An abort rejects with the signal's reason. Messages tell no query, which may hold a token.
 */
export async function fetchFile(
  guard: AddressGuard,
  address: string,
  path: string,
  options: FetchFileOptions,
): Promise<number> {
  const { signal, timeLimitMs } = options;
  const shown = shownAddress(guard.parseAddress(address));
  const stop = new AbortController();
  const onAbort = (): void => stop.abort();
  const timer = setTimeout(onAbort, timeLimitMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    signal?.throwIfAborted();
    const { url, body } = await openAddress(guard, address, stop.signal);
    return await save(body, path, shownAddress(url), stop.signal, options);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ReelwrightError) throw error;
    const got = stop.signal.aborted ? `none within ${timeLimitMs} ms` : `a broken connection (${codeOf(error)})`;
    // Without the cause: errors of parsers and of TLS carry what the peer sent.
    throw new ReelwrightError('IMAGE_UNREACHABLE', `expected a complete answer from ${shown}, got ${got}`);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

async function save(
  body: IncomingMessage,
  path: string,
  shown: string,
  signal: AbortSignal,
  { maxBytes, onBytes }: FetchFileOptions,
): Promise<number> {
  const problem = problemOfHead(body, shown, maxBytes);
  if (problem !== undefined) {
    body.destroy();
    throw problem;
  }
  let bytes = 0;
  try {
    await pipeline(
      body,
      async function* counted(chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          bytes += chunk.byteLength;
          if (bytes > maxBytes) throw tooLarge(shown, maxBytes, 'more');
          onBytes?.(bytes);
          yield chunk;
        }
      },
      createWriteStream(path, { mode: 0o600 }),
      { signal },
    );
  } catch (error) {
    // A body is only read from here on: what fails to be opened or written is our own file.
    const { syscall } = error as NodeJS.ErrnoException;
    if (syscall !== 'open' && syscall !== 'write') throw error;
    throw new ReelwrightError('INTERNAL', `expected to write a file, got ${codeOf(error)}`, { cause: error });
  }
  return bytes;
}

function problemOfHead({ headers }: IncomingMessage, shown: string, maxBytes: number): ReelwrightError | undefined {
  const length = headers['content-length'];
  if (length !== undefined && Number(length) > maxBytes) return tooLarge(shown, maxBytes, length);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return undefined;
  return new ReelwrightError(
    'IMAGE_NOT_FETCHED',
    `expected ${shown} to come uncompressed, got content-encoding ${encoding}`,
  );
}

const tooLarge = (shown: string, maxBytes: number, got: string): ReelwrightError =>
  new ReelwrightError('IMAGE_NOT_FETCHED', `expected at most ${maxBytes} bytes from ${shown}, got ${got}`);

const codeOf = (error: unknown): string => {
  const { code, name } = error as NodeJS.ErrnoException;
  return code ?? name;
};
