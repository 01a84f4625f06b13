import type { IncomingMessage } from 'node:http';
import { ReelwrightError } from '../domain/errors.js';
import { ClientLeft } from './client-left.js';
import type { ApiContext } from './context.js';

/** JSON that is nested deeper than this is nobody's order, and walking it would overflow the stack. */
const MAX_DEPTH = 64;

/** The body's exact bytes. Throws BODY_TOO_LARGE beyond `maxBytes`, and leaves the rest of the request unread. */
export async function readBody({ req }: ApiContext, maxBytes: number): Promise<Buffer> {
  const declared = Number(req.headers['content-length'] ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes, `${declared} bytes`);
  const encoding = req.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new ReelwrightError('UNSUPPORTED_MEDIA_TYPE', `expected a body without Content-Encoding, got ${encoding}`);
  }
  return await collect(req, maxBytes);
}

/** The body as parsed JSON. Throws UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE or MALFORMED_JSON. */
export async function readJson(ctx: ApiContext, maxBytes: number): Promise<unknown> {
  if (ctx.request.type !== 'application/json') {
    const got = ctx.request.type === '' ? 'none' : ctx.request.type;
    throw new ReelwrightError('UNSUPPORTED_MEDIA_TYPE', `expected Content-Type application/json, got ${got}`);
  }
  return parseJson(await readBody(ctx, maxBytes));
}

/** Parses UTF-8 JSON; throws MALFORMED_JSON that says where, and never what, it is. */
export function parseJson(bytes: Uint8Array): unknown {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const at = /at position \d+/.exec((cause as Error).message)?.[0];
    throw new ReelwrightError(
      'MALFORMED_JSON',
      `expected a body of JSON in UTF-8, got something else${at ? ` ${at}` : ''}`,
    );
  }
  if (!within(value, MAX_DEPTH)) {
    throw new ReelwrightError('MALFORMED_JSON', `expected JSON of at most ${MAX_DEPTH} levels, got more`);
  }
  return value;
}

function collect(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // A client that left while its key was looked up is not announced again.
    if (req.destroyed) {
      reject(new ClientLeft('before the body'));
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (done: () => void): void => {
      req.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      done();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= maxBytes) return;
      req.pause();
      settle(() => reject(tooLarge(maxBytes, 'more')));
    };
    const onEnd = (): void => settle(() => resolve(Buffer.concat(chunks)));
    const onError = (cause: Error): void => settle(() => reject(new ClientLeft('within the body', { cause })));
    const onClose = (): void => settle(() => reject(new ClientLeft('within the body')));
    req.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

function within(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((entry) => within(entry, depth - 1));
}

function tooLarge(maxBytes: number, got: string): ReelwrightError {
  return new ReelwrightError('BODY_TOO_LARGE', `expected a body of at most ${maxBytes} bytes, got ${got}`, {
    details: { maxBytes },
  });
}
