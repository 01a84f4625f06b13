/** One GET of an address that a caller named, redirects followed, to the answer's head. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { ReelwrightError } from '../domain/errors.js';
import type { AddressGuard } from './address-guard.js';
import { retryAfterMs } from './retry-after.js';
import { shownAddress } from './shown-address.js';

const MAX_REDIRECTS = 5;
const REDIRECTS: readonly (number | undefined)[] = [301, 302, 303, 307, 308];

export interface OpenedAddress {
  /** Where the redirects led to. */
  url: URL;
  body: IncomingMessage;
}

/**
 * Resolves with a 200; every hop is judged by the guard and connects through its agent. Throws URL_REFUSED,
 * IMAGE_NOT_FETCHED for an answer that asking again would not change, IMAGE_UNREACHABLE for one that it may. Aborting
 * rejects with whatever the connection makes of it, and destroys the body.
 */
export async function openAddress(guard: AddressGuard, address: string, signal: AbortSignal): Promise<OpenedAddress> {
  let url = guard.parseAddress(address);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
    const body = await get(guard, url, signal);
    if (body.statusCode === 200) return { url, body };
    body.destroy();
    if (!REDIRECTS.includes(body.statusCode)) throw refusal(url, body);
    const { location } = body.headers;
    if (location === undefined || !URL.canParse(location, url.href)) {
      throw new ReelwrightError('IMAGE_NOT_FETCHED', `${shownAddress(url)} redirects without saying where to`);
    }
    url = guard.parseAddress(new URL(location, url).href);
  }
  throw new ReelwrightError(
    'IMAGE_NOT_FETCHED',
    `expected at most ${MAX_REDIRECTS} redirects, got more, the last one to ${shownAddress(url)}`,
  );
}

async function get(guard: AddressGuard, url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  // Bytes are measured and stored as they come: a compressed image gains nothing.
  const headers = { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'Reelwright' };
  return await new Promise((resolve, reject) => {
    request(url, { agent: guard.agentFor(url), headers, signal }, resolve)
      .on('error', reject)
      .end();
  });
}

function refusal(url: URL, { statusCode = 0, headers }: IncomingMessage): ReelwrightError {
  const said = `expected 200 from ${shownAddress(url)}, got ${statusCode}`;
  const mayPass = statusCode >= 500 || statusCode === 408 || statusCode === 429;
  if (!mayPass) return new ReelwrightError('IMAGE_NOT_FETCHED', said);
  const wait = retryAfterMs(headers['retry-after']);
  return new ReelwrightError('IMAGE_UNREACHABLE', said, wait === undefined ? {} : { retryAfterMs: wait });
}
