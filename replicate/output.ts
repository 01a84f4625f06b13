import { Readable } from 'node:stream';
import type { ReadableStream as WebStream } from 'node:stream/web';
import { ReelwrightError } from '../domain/errors.js';
import type { OutputStream } from './video-provider.js';

/** replicate.com/docs/topics/predictions/output-files */
const DELIVERY_HOST = 'replicate.delivery';
const MAX_REDIRECTS = 3;

export interface OpenOutputOptions {
  /** Host (with port) of the configured API, whose outputs are allowed too. */
  ownHost: string;
  signal?: AbortSignal;
}

/** True for links under which the provider serves outputs: nothing else is ever fetched as one. */
export function isOutputUrl(url: URL, ownHost: string): boolean {
  if (url.host === ownHost) return url.protocol === 'http:' || url.protocol === 'https:';
  const ours = url.hostname === DELIVERY_HOST || url.hostname.endsWith(`.${DELIVERY_HOST}`);
  return ours && url.protocol === 'https:' && url.port === '';
}

/** Opens an output of the provider, checking every redirect's target; see `VideoProvider.openOutput` for the errors. */
export async function openOutput(link: string, { ownHost, signal }: OpenOutputOptions): Promise<OutputStream> {
  let url = parse(link, ownHost);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
    const response = await request(url, signal);
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      url = parse(new URL(response.headers.get('location') ?? '', url).href, ownHost);
      continue;
    }
    if (response.status === 200 && response.body !== null) {
      const length = response.headers.get('content-length');
      return {
        body: Readable.fromWeb(response.body as WebStream),
        contentLength: length === null ? null : Number(length),
      };
    }
    await response.body?.cancel();
    throw refusal(url, response.status);
  }
  throw new ReelwrightError('OUTPUT_UNREACHABLE', `the output redirects more than ${MAX_REDIRECTS} times`);
}

function parse(link: string, ownHost: string): URL {
  const url = URL.canParse(link) ? new URL(link) : undefined;
  if (url !== undefined && isOutputUrl(url, ownHost)) return url;
  const host = url === undefined ? 'something that is not a URL' : `${url.protocol}//${url.host}`;
  throw new ReelwrightError('OUTPUT_HOST_REFUSED', `expected an output at ${DELIVERY_HOST} or ${ownHost}, got ${host}`);
}

async function request(url: URL, signal: AbortSignal | undefined): Promise<Response> {
  try {
    return await fetch(url, { redirect: 'manual', ...(signal && { signal }) });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ReelwrightError('OUTPUT_UNREACHABLE', `no answer from ${url.host} for the output`, { cause });
  }
}

function refusal(url: URL, status: number): ReelwrightError {
  const dead = status === 404 || status === 410 || status === 403;
  return dead
    ? new ReelwrightError('OUTPUT_LOST', `the output's link is dead: ${url.host} answered ${status}`)
    : new ReelwrightError('OUTPUT_UNREACHABLE', `${url.host} answered ${status} for the output`);
}
