import { randomBytes } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { basename } from 'node:path';
import { create as contentDisposition } from 'content-disposition';
import { ReelwrightError } from '../domain/errors.js';
import type { BlobRef, ByteRange, ServingBlobStore } from '../storage/blob-store.js';
import { resolveRange } from './byte-range.js';
import type { ApiContext } from './context.js';
import { checkPreconditions, isUnchanged, rangeApplies, type Validators } from './preconditions.js';
import { streamBody } from './stream-body.js';

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
 * Answers GET and HEAD with a blob: conditional requests, one range or several. No more of the blob is in memory than the
 * client is being sent, and nothing is read any more once it leaves.
 */
export async function sendBlob(ctx: ApiContext, blobs: ServingBlobStore, answer: BlobAnswer): Promise<void> {
  ctx.state.onBlobAnswer?.(answer);
  const { validators, headers } = fixedParts(answer);
  const { id, size } = answer.blob;
  checkPreconditions(ctx, validators);
  if (isUnchanged(ctx, validators)) {
    ctx.status = 304;
    for (const name of KEPT_IN_304) ctx.set(name, headers[name]);
    return;
  }
  if (ctx.method === 'HEAD') {
    // Range is defined for GET alone.
    ctx.respond = false;
    ctx.res.writeHead(200, { ...headers, 'Content-Length': size }).end();
    return;
  }
  const asked = resolveRange(rangeApplies(ctx, validators) ? ctx.get('Range') : '', size);
  if (asked.kind === 'unsatisfiable') {
    ctx.set('Content-Range', `bytes */${size}`);
    throw new ReelwrightError('RANGE_NOT_SATISFIABLE', `expected a range within ${size} bytes`, { details: { size } });
  }
  const [first, second] = asked.kind === 'parts' ? asked.parts : [];
  if (asked.kind === 'whole' || first === undefined) {
    await streamBody(ctx, { status: 200, headers, length: size }, blobs.pieces(id));
  } else if (second === undefined) {
    const length = first.end - first.start + 1;
    const partial = { ...headers, 'Content-Range': contentRange(first, size) };
    await streamBody(ctx, { status: 206, headers: partial, length }, blobs.pieces(id, first));
  } else {
    const { contentType, length, body } = multipart(blobs, answer, asked.parts);
    const several = { ...headers, 'Content-Type': contentType };
    await streamBody(ctx, { status: 206, headers: several, length }, body);
  }
}

const KEPT_IN_304 = ['ETag', 'Last-Modified', 'Cache-Control'] as const;

interface FixedParts {
  validators: Validators;
  headers: OutgoingHttpHeaders & Record<(typeof KEPT_IN_304)[number], string>;
}

/** An answer that is given again has its headers made once. */
const MADE = new WeakMap<BlobAnswer, FixedParts>();

function fixedParts(answer: BlobAnswer): FixedParts {
  const made = MADE.get(answer);
  if (made !== undefined) return made;
  const etag = `"${answer.blob.sha256}"`;
  const lastModified = answer.lastModified.toUTCString();
  const fileName = basename(answer.fileName);
  const headers = {
    ETag: etag,
    'Last-Modified': lastModified,
    'Accept-Ranges': 'bytes',
    'Cache-Control': answer.immutable ? 'private, max-age=31536000, immutable' : 'private, no-cache',
    'Content-Disposition': contentDisposition(fileName, {
      type: answer.attachment === true ? 'attachment' : 'inline',
      // Latin-1 is legal in a header and read differently by each client.
      fallback: fileName.replace(/[^\x20-\x7e]/g, '_'),
    }),
    'Content-Type': answer.contentType,
    'X-Content-Type-Options': 'nosniff',
    ...(answer.sandboxed === true && { 'Content-Security-Policy': "default-src 'none'; sandbox" }),
  };
  const parts = { validators: { etag, lastModified }, headers };
  MADE.set(answer, parts);
  return parts;
}

const contentRange = ({ start, end }: ByteRange, size: number): string => `bytes ${start}-${end}/${size}`;

interface Multipart {
  contentType: string;
  /** In bytes. */
  length: number;
  body: AsyncGenerator<Buffer, void, undefined>;
}

/** The parts as `multipart/byteranges`, RFC 9110 section 14.6. */
function multipart(
  blobs: ServingBlobStore,
  { blob, contentType }: BlobAnswer,
  ranges: readonly ByteRange[],
): Multipart {
  const boundary = randomBytes(16).toString('hex');
  const parts = ranges.map((range) => ({
    range,
    // ASCII alone, so that its length is its size.
    head: `\r\n--${boundary}\r\nContent-Type: ${contentType}\r\nContent-Range: ${contentRange(range, blob.size)}\r\n\r\n`,
  }));
  const tail = `\r\n--${boundary}--\r\n`;
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    length: parts.reduce((sum, { range, head }) => sum + head.length + range.end - range.start + 1, tail.length),
    body: (async function* read() {
      for (const { range, head } of parts) {
        yield Buffer.from(head);
        yield* blobs.pieces(blob.id, range);
      }
      yield Buffer.from(tail);
    })(),
  };
}
