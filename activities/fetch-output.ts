import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { SpanKind } from '@opentelemetry/api';
import { ReelwrightError } from '../domain/errors.js';
import type { VideoProvider } from '../replicate/video-provider.js';
import { inSpan } from '../telemetry/spans.js';

/** A clip of 10 s at 1080p has about 30 MB; far beyond that it is not a clip. */
const MAX_OUTPUT_BYTES = 1024 * 1024 * 1024;

/**
 * Fetches an output into a file, whole or not at all. Throws what `openOutput` throws, and OUTPUT_BROKEN when it ends
 * before or after the announced length, which fetching again may mend.
 */
export async function fetchOutput(
  provider: VideoProvider,
  url: string,
  path: string,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<void> {
  await inSpan('GET output', { kind: SpanKind.CLIENT, attributes: { 'http.request.method': 'GET' } }, () =>
    fetchWhole(provider, url, path, signal, onBytes),
  );
}

async function fetchWhole(
  provider: VideoProvider,
  url: string,
  path: string,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { body, contentLength } = await provider.openOutput(url, { signal });
  let bytes = 0;
  try {
    await pipeline(
      body,
      async function* count(chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          bytes += chunk.byteLength;
          if (bytes > MAX_OUTPUT_BYTES) {
            throw new ReelwrightError('OUTPUT_BROKEN', `expected an output of at most ${MAX_OUTPUT_BYTES} bytes`);
          }
          onBytes(bytes);
          yield chunk;
        }
      },
      createWriteStream(path),
      { signal },
    );
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof ReelwrightError) throw cause;
    if ((cause as NodeJS.ErrnoException).syscall === 'write') throw cause;
    throw new ReelwrightError(
      'OUTPUT_BROKEN',
      `the output broke off after ${bytes} of ${contentLength ?? 'unknown'} bytes`,
      {
        cause,
      },
    );
  }
  if (contentLength !== null && bytes !== contentLength) {
    throw new ReelwrightError('OUTPUT_BROKEN', `expected an output of ${contentLength} bytes, got ${bytes}`);
  }
}
