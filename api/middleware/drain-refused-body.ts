import type { ApiMiddleware } from '../context.js';

/**
 * Reads on, up to `maxBytes`, what is left of a request's body when its answer is ready. A client that is still writing
 * reads no answer, and closing the connection under it throws the answer away with it.
 */
export function drainRefusedBody(maxBytes: number): ApiMiddleware {
  return async ({ req }, next) => {
    await next();
    if (req.complete || req.destroyed) return;
    let drained = 0;
    req.unpipe();
    req.on('data', (chunk: Buffer) => {
      drained += chunk.length;
      if (drained > maxBytes) req.destroy();
    });
    // A connection that breaks now has nobody left to tell.
    req.on('error', (error) => req.destroy(error));
    req.resume();
  };
}
