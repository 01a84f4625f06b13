import { Readable } from 'node:stream';
import { ReelwrightError } from '../domain/errors.js';

/**
 * What `source` yields, until it ends or `signal` is aborted (then its reason is thrown, also while the source is
 * silent), or more than `maxBytes` came (BODY_TOO_LARGE). A Node stream is left open when reading stops early, since its
 * owner may have to drain it in order to answer; any other source is told to end by its `return`.
 */
export async function* readSource(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator =
    source instanceof Readable
      ? (source.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>)
      : source[Symbol.asyncIterator]();
  let size = 0;
  let done = false;
  try {
    for (;;) {
      const next = await nextOrAbort(iterator, signal);
      if (next.done === true) {
        done = true;
        return;
      }
      size += next.value.length;
      if (size > maxBytes) {
        throw new ReelwrightError('BODY_TOO_LARGE', `expected at most ${maxBytes} bytes, got ${size} or more`, {
          details: { maxBytes },
        });
      }
      yield next.value;
    }
  } finally {
    // Not awaited: a silent source would never answer. Its failure says nothing new, the first one is being thrown.
    if (!done) iterator.return?.().catch(() => undefined);
  }
}

async function nextOrAbort<Value>(iterator: AsyncIterator<Value>, signal: AbortSignal): Promise<IteratorResult<Value>> {
  signal.throwIfAborted();
  return await new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    iterator
      .next()
      .finally(() => signal.removeEventListener('abort', onAbort))
      .then(resolve, reject);
  });
}
