/** Asks a server for a file by a case of the table, and says of the answer what two servers can have in common. */
import { createHash } from 'node:crypto';
import type { RangeCase } from './range-cases.js';

export interface Validators {
  etag: string;
  /** Whole seconds. */
  modified: Date;
}

/** An answer without what is a server's own: tags, boundaries, words. */
export interface SeenAnswer {
  status: number;
  contentRange: string | null;
  contentLength: string | null;
  acceptRanges: string | null;
  lastModified: boolean;
  etag: boolean;
  /** What of the file came: range and sha256 of each part; null where none of it should. */
  parts: [string, string][] | null;
}

const HOUR_MS = 3_600_000;

export async function ask(
  url: string,
  { method = 'GET', headers }: RangeCase,
  { etag, modified }: Validators,
  more: Record<string, string> = {},
): Promise<SeenAnswer> {
  const words: Record<string, string> = {
    etag,
    date: modified.toUTCString(),
    earlier: new Date(modified.getTime() - HOUR_MS).toUTCString(),
    later: new Date(modified.getTime() + HOUR_MS).toUTCString(),
  };
  const filled = Object.entries(headers).map(([name, value]) => [
    name,
    value.replace(/\{(\w+)\}/g, (_, w) => words[w] ?? ''),
  ]);
  const response = await fetch(url, { method, headers: { ...more, ...Object.fromEntries(filled) } });
  const body = Buffer.from(await response.arrayBuffer());
  const ofFile = response.status === 200 || response.status === 206;
  const several = /^multipart\/byteranges; boundary=(.+)$/.exec(response.headers.get('content-type') ?? '')?.[1];
  return {
    status: response.status,
    contentRange: response.headers.get('content-range'),
    // That of several parts depends on the boundary, which is checked to be right by the parts themselves.
    contentLength: ofFile && several === undefined ? response.headers.get('content-length') : null,
    // A 206 says it by being one; whether it says so again is its own affair.
    acceptRanges: response.status === 200 ? response.headers.get('accept-ranges') : null,
    lastModified: response.headers.get('last-modified') === modified.toUTCString(),
    etag: response.headers.get('etag') === etag,
    parts: ofFile && method === 'GET' ? partsOf(body, several, response.headers) : null,
  };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function partsOf(body: Buffer, boundary: string | undefined, headers: Headers): [string, string][] {
  if (boundary === undefined) return [[headers.get('content-range') ?? 'whole', sha256(body)]];
  if (headers.get('content-length') !== String(body.length)) throw new Error('expected all of the announced parts');
  const parts: [string, string][] = [];
  const pieces = body.toString('latin1').split(`\r\n--${boundary}`);
  if (pieces.at(0) !== '' || pieces.at(-1) !== '--\r\n') throw new Error('expected parts between boundaries');
  for (const piece of pieces.slice(1, -1)) {
    const [head = '', ...rest] = piece.split('\r\n\r\n');
    const contentRange = /^Content-Range: (.+)$/im.exec(head)?.[1]?.trim() ?? 'none';
    if (!/^Content-Type: video\/mp4$/im.test(head)) throw new Error(`expected the type of a part, got ${head}`);
    parts.push([contentRange, sha256(Buffer.from(rest.join('\r\n\r\n'), 'latin1'))]);
  }
  return parts;
}

/** The same bytes for the same number, and no part like another. */
export function fileOf(bytes: number): Buffer {
  const blocks: Buffer[] = [];
  for (let n = 0; n * 32 < bytes; n += 1) blocks.push(createHash('sha256').update(String(n)).digest());
  return Buffer.concat(blocks).subarray(0, bytes);
}
