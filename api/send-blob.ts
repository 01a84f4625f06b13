import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ReelwrightError } from '../domain/errors.js';
import type { BlobRef, BlobStore, ByteRange } from '../storage/blob-store.js';
import { resolveRange } from './byte-range.js';
import { ClientLeft } from './client-left.js';
import type { ApiContext } from './context.js';
import { checkPreconditions, rangeApplies } from './preconditions.js';

export interface BlobAnswer {
  blob: Pick<BlobRef, 'id' | 'sha256' | 'size'>;
  contentType: string;
  /** What the file is called when it is saved. */
  fileName: string;
  lastModified: Date;
  /** These bytes will always be under this URL. */
  immutable: boolean;
  /** Offered for saving and never shown. */
  attachment?: boolean;
  /** Shown without any right to run or load something. */
  sandboxed?: boolean;
}

/**
 * Answers GET and HEAD with a blob: conditional requests, one range or several. No more of the blob is in memory than
 * its stream holds, and the stream is destroyed when the client leaves.
 */
export async function sendBlob(ctx: ApiContext, blobs: BlobStore, answer: BlobAnswer): Promise<void> {
  const { blob, contentType } = answer;
  const validators = { etag: `"${blob.sha256}"`, lastModified: answer.lastModified.toUTCString() };
  ctx.status = 200;
  ctx.set('ETag', validators.etag);
  ctx.set('Last-Modified', validators.lastModified);
  ctx.set('Accept-Ranges', 'bytes');
  ctx.set('Cache-Control', answer.immutable ? 'private, max-age=31536000, immutable' : 'private, no-cache');
  checkPreconditions(ctx, validators);
  if (ctx.fresh) {
    ctx.status = 304;
    return;
  }
  ctx.attachment(answer.fileName, {
    type: answer.attachment === true ? 'attachment' : 'inline',
    // Latin-1 is legal in a header and read differently by each client.
    fallback: answer.fileName.replace(/[^\x20-\x7e]/g, '_'),
  });
  ctx.set('Content-Type', contentType);
  ctx.set('X-Content-Type-Options', 'nosniff');
  if (answer.sandboxed === true) ctx.set('Content-Security-Policy', "default-src 'none'; sandbox");
  if (ctx.method === 'HEAD') {
    // Range is defined for GET alone.
    ctx.length = blob.size;
    return;
  }
  await stream(ctx, openRanges(ctx, blobs, answer, rangeApplies(ctx, validators) ? ctx.get('Range') : ''));
}

/** Sets what the ranges make of the answer and opens the bytes. */
function openRanges(ctx: ApiContext, blobs: BlobStore, { blob, contentType }: BlobAnswer, header: string): Readable {
  const { id, size } = blob;
  const asked = resolveRange(header, size);
  if (asked.kind === 'unsatisfiable') {
    ctx.set('Content-Range', `bytes */${size}`);
    throw new ReelwrightError('RANGE_NOT_SATISFIABLE', `expected a range within ${size} bytes, got ${header}`);
  }
  const [first, second] = asked.kind === 'parts' ? asked.parts : [];
  if (asked.kind === 'whole' || first === undefined) {
    ctx.length = size;
    return blobs.open(id);
  }
  ctx.status = 206;
  if (second === undefined) {
    ctx.set('Content-Range', contentRange(first, size));
    ctx.length = first.end - first.start + 1;
    return blobs.open(id, first);
  }
  const boundary = randomBytes(16).toString('hex');
  const parts = asked.parts.map((range) => ({ range, head: partHead(boundary, contentType, range, size) }));
  const tail = `\r\n--${boundary}--\r\n`;
  ctx.set('Content-Type', `multipart/byteranges; boundary=${boundary}`);
  ctx.length = parts.reduce((sum, { range, head }) => sum + head.length + range.end - range.start + 1, tail.length);
  return Readable.from(readParts(blobs, id, parts, tail), { objectMode: false });
}

const contentRange = ({ start, end }: ByteRange, size: number): string => `bytes ${start}-${end}/${size}`;

/** ASCII alone, so that its length is its size. */
const partHead = (boundary: string, contentType: string, range: ByteRange, size: number): string =>
  `\r\n--${boundary}\r\nContent-Type: ${contentType}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`;

async function* readParts(
  blobs: BlobStore,
  id: string,
  parts: readonly { range: ByteRange; head: string }[],
  tail: string,
): AsyncGenerator<Uint8Array> {
  for (const { range, head } of parts) {
    yield Buffer.from(head);
    yield* blobs.open(id, range) as AsyncIterable<Uint8Array>;
  }
  yield Buffer.from(tail);
}

async function stream(ctx: ApiContext, bytes: Readable): Promise<void> {
  const left = new AbortController();
  const leave = (): void => left.abort();
  ctx.res.once('close', leave);
  try {
    // Until the first byte is there the answer can still become an error.
    if (ctx.res.destroyed) leave();
    await once(bytes, 'readable', { signal: left.signal });
    ctx.respond = false;
    await pipeline(bytes, ctx.res);
  } catch (error) {
    bytes.destroy();
    if (left.signal.aborted && !ctx.res.writableFinished && isDeparture(error))
      throw new ClientLeft('within the answer');
    throw error;
  } finally {
    ctx.res.off('close', leave);
  }
}

const isDeparture = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  (error.code === 'ERR_STREAM_PREMATURE_CLOSE' ||
    error.code === 'ABORT_ERR' ||
    error.code === 'ECONNRESET' ||
    error.code === 'EPIPE');
