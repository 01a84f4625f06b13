import type { ParameterizedContext } from 'koa';
import type { Logger } from '../config/logger.js';
import type { KeyHolder } from '../storage/owners-repository.js';

export interface ApiState {
  requestId: string;
  now: () => Date;
  /** Writes the request's id with every line. */
  log: Logger;
  /** Set by authentication; absent on routes that need no key. */
  holder?: KeyHolder;
}

export type ApiContext = ParameterizedContext<ApiState, { params: Record<string, string> }>;
export type ApiMiddleware = (ctx: ApiContext, next: () => Promise<void>) => Promise<void>;

/** Whose rows the request may see. Only for routes that demand a key. */
export function ownerOf(ctx: ApiContext): string {
  if (ctx.state.holder === undefined) throw new Error('a route without authentication asked for its owner');
  return ctx.state.holder.ownerId;
}
