/** The one shape of every JSON answer: `{data, error, meta}`. */
import { ERRORS, type ErrorCode } from '../domain/errors.js';
import type { ApiContext } from './context.js';

export interface AnswerOptions {
  /** Default 200. */
  status?: number;
  /** Where the thing that was made is to be found. */
  location?: string;
}

export interface ListMeta {
  page: number;
  limit: number;
  /** Of all matches, not of this page. */
  total: number;
}

export interface ErrorBody {
  code: ErrorCode;
  message: string;
  details?: Record<string, unknown>;
}

export function sendData(ctx: ApiContext, data: unknown, { status = 200, location }: AnswerOptions = {}): void {
  ctx.status = status;
  if (location !== undefined) ctx.set('Location', location);
  ctx.body = { data, error: null, meta: meta(ctx) };
}

export function sendList(ctx: ApiContext, items: readonly unknown[], list: ListMeta): void {
  ctx.body = { data: items, error: null, meta: { ...meta(ctx), ...list } };
}

export function sendError(ctx: ApiContext, error: ErrorBody): void {
  ctx.status = ERRORS[error.code].status;
  ctx.body = { data: null, error, meta: meta(ctx) };
}

const meta = (ctx: ApiContext): { timestamp: string; requestId: string } => ({
  timestamp: ctx.state.now().toISOString(),
  requestId: ctx.state.requestId,
});
