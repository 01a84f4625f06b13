import Replicate from 'replicate';
import { observeExchange } from './observe-exchange.js';

/** One request and its whole answer, or the failure to get one. */
export type Exchange =
  | { answered: true; status: number; headers: Headers; body: string }
  | { answered: false; failure: unknown };

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'DELETE';
  params?: Record<string, string>;
  data?: object;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Sends exactly one HTTP request through the `replicate` client. Never throws. */
export type Exchanger = (route: string | URL, options?: RequestOptions) => Promise<Exchange>;

export interface ReplicateOptions {
  token: string;
  /** Includes `/v1`. */
  baseUrl: string;
  /** The API's answers are small: one that takes longer is given up. Milliseconds; default 30,000. */
  timeoutMs?: number;
}

/**
 * The `replicate` client (1.4.0) repeats a request up to five times without waiting when it sees a 429, a 5xx of a GET
 * or a thrown fetch: one purchase could become six. So its fetch always shows it a success and keeps the true answer
 * for us; whether to try again is then decided where the purchase is known.
 */
export function createExchanger({ token, baseUrl, timeoutMs = 30_000 }: ReplicateOptions): Exchanger {
  return async (route, { signal, ...options } = {}) => {
    let outcome: Exchange = { answered: false, failure: new Error('the client sent nothing') };
    const client = new Replicate({
      auth: token,
      baseUrl,
      fetch: async (url: string | URL | Request, init?: RequestInit) => {
        const sent = new URL(url instanceof Request ? url.url : url);
        outcome = await observeExchange(sent, init?.method ?? 'GET', () => exchange(url, init));
        return new Response('{}');
      },
    });
    const limit = AbortSignal.timeout(timeoutMs);
    await client.request(route, {
      ...options,
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    });
    return outcome;
  };
}

async function exchange(url: string | URL | Request, init: RequestInit | undefined): Promise<Exchange> {
  try {
    const response = await fetch(url, { ...init, redirect: 'error' });
    return { answered: true, status: response.status, headers: response.headers, body: await response.text() };
  } catch (failure) {
    return { answered: false, failure };
  }
}
