import type { ParameterizedContext } from 'koa';
import type { Logger } from '../config/logger.js';
import type { KeyHolder } from '../storage/owners-repository.js';
import type { ErrorBody } from './answers.js';
import type { BlobAnswer } from './send-blob.js';

export interface ApiState {
  requestId: string;
  /** The template of the route that takes the request; absent where none does. */
  route?: string;
  /** The job that the request is about; absent where it is about none, or not known yet. */
  jobId?: string;
  now: () => Date;
  /** Writes the request's id with every line. */
  log: Logger;
  /** Set by authentication; absent on routes that need no key. */
  holder?: KeyHolder;
  /** How long a client may take nothing of its answer before it is cut off, in milliseconds. */
  stallMs: number;
  /** Told which bytes the request is answered with, where anybody wants to know. */
  onBlobAnswer?: (answer: BlobAnswer) => void;
  /** The session by which the holder came; absent for a key. */
  sessionId?: string;
  /** How a failure is told; absent where the envelope tells it. */
  sendFailure?: (ctx: ApiContext, error: ErrorBody) => void;
  /** The request's `Idempotency-Key` and the whole address that it stands for; absent without a key. */
  idempotency?: { key: string; route: string };
}

export type ApiContext = ParameterizedContext<ApiState, { params: Record<string, string> }>;
export type ApiMiddleware = (ctx: ApiContext, next: () => Promise<void>) => Promise<void>;

/** Whose rows the request may see. Only for routes that demand a key. */
export const ownerOf = (ctx: ApiContext): string => holderOf(ctx).ownerId;

/** Whose request it is. Only for routes that demand a key. */
export function holderOf({ state }: ApiContext): KeyHolder {
  if (state.holder === undefined) throw new Error('a route without authentication asked for its caller');
  return state.holder;
}
