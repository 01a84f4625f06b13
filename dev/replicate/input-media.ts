/** Reads what a prediction's input points to, as the provider does when the prediction runs. */
import sharp from 'sharp';
import type { MediaInput } from './render-job.js';
import type { UploadStore } from './upload-store.js';

const MAX_BYTES = 100 * 1024 * 1024;

/** The model itself fails: its message becomes the prediction's `error`. */
export class ModelFailure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ModelFailure';
  }
}

/** E006 is the provider's code for an input that it cannot use. */
export function unusableInput(field: string, reason: string, cause?: unknown): ModelFailure {
  return new ModelFailure(`The input was invalid: ${field} ${reason}. (E006)`, { cause });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

async function bytesOfDataUri(media: MediaInput): Promise<Buffer> {
  try {
    return Buffer.from(await (await fetch(media.uri)).arrayBuffer());
  } catch (error) {
    throw unusableInput(media.field, 'is not a readable data URI', error);
  }
}

async function bytesOfUrl(media: MediaInput, timeoutMs: number, signal: AbortSignal): Promise<Buffer> {
  const url = new URL(media.uri);
  // The query may hold a signature or a token, and the message reaches the prediction.
  const shown = `${url.origin}${url.pathname}`;
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`status ${response.status}`);
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    signal.throwIfAborted();
    throw unusableInput(media.field, `could not be fetched from ${shown}: ${reasonOf(error)}`, error);
  }
}

export interface InputReader {
  /** The bytes of any input. Throws ModelFailure with E006 where they cannot be had. */
  read(media: MediaInput, signal: AbortSignal): Promise<Buffer>;
  /** The bytes of an input that must be an image. */
  readImage(media: MediaInput, signal: AbortSignal): Promise<Buffer>;
}

/** Reads http and https URLs, data URIs and links to this server's own uploaded files. */
export function createInputReader(options: {
  uploads: UploadStore;
  timeoutMs: number;
  origin: () => string;
}): InputReader {
  const read: InputReader['read'] = async (media, signal) => {
    signal.throwIfAborted();
    const protocol = URL.canParse(media.uri) ? new URL(media.uri).protocol : '';
    if (protocol === 'data:') return bytesOfDataUri(media);
    if (protocol !== 'http:' && protocol !== 'https:') {
      throw unusableInput(media.field, `must be an http, https or data URI, got "${protocol}"`);
    }
    const own = options.uploads.findByUrl(media.uri, options.origin());
    if (own !== undefined) return options.uploads.readBytes(own);
    return bytesOfUrl(media, options.timeoutMs, signal);
  };
  return {
    read,
    async readImage(media, signal) {
      const bytes = await read(media, signal);
      try {
        await sharp(bytes).metadata();
      } catch (error) {
        throw unusableInput(media.field, 'is not a readable image', error);
      }
      return bytes;
    },
  };
}
