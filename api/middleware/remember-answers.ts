import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { KeyHolder } from '../../storage/owners-repository.js';
import type { ApiContext, ApiMiddleware } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { type BlobAnswer, sendBlob } from '../send-blob.js';
import { DEFAULT_STALL_MS } from '../stream-body.js';

const DEFAULT_MS = 1_000;
const MOST_ANSWERS = 10_000;

interface Remembered {
  answer: BlobAnswer;
  holder: KeyHolder | undefined;
  /** Which headers say who asks; empty where the address alone decides. */
  vary: string;
  /** What figures and log lines say of the request. */
  named: Pick<ApiContext['state'], 'route' | 'jobId'>;
}

/**
 * Remembers for a moment which bytes a request for them is answered with. A player asks for many ranges of one address,
 * each of which would look up its key, its job and its blob again. What is remembered holds for the same address with the
 * same credentials alone; a key or a link that is revoked opens nothing any more once the moment is over.
 */
export function rememberAnswers({ config, blobs }: Pick<ApiDeps, 'config' | 'blobs'>): ApiMiddleware {
  const { answersRememberedForMs: ttl = DEFAULT_MS, stallMs = DEFAULT_STALL_MS } = config;
  const remembered = new LRUCache<string, Remembered>({ max: MOST_ANSWERS, ttl: Math.max(1, ttl) });
  return async (ctx, next) => {
    ctx.state.stallMs = stallMs;
    if (ttl === 0 || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return await next();
    const key = keyOf(ctx);
    const known = remembered.get(key);
    if (known === undefined) {
      ctx.state.onBlobAnswer = (answer) => {
        const { holder, route, jobId } = ctx.state;
        const vary = ctx.response.get('Vary') || '';
        remembered.set(key, { answer, holder, vary, named: { ...(route && { route }), ...(jobId && { jobId }) } });
      };
      return await next();
    }
    if (known.holder !== undefined) ctx.state.holder = known.holder;
    if (known.vary !== '') ctx.set('Vary', known.vary);
    Object.assign(ctx.state, known.named);
    await sendBlob(ctx, blobs, known.answer);
  };
}

/** All that an answer of bytes depends on; hashed, so that no key lies about in memory. */
const keyOf = ({ url, req: { headers } }: ApiContext): string =>
  hash('sha256', JSON.stringify([url, headers['x-api-key'], headers.authorization, headers.cookie]), 'base64');
