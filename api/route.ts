/** What a route is: data from which both the router and the OpenAPI document are made, so that neither can lack one. */
import type { z } from 'zod';
import type { ErrorCode } from '../domain/errors.js';
import type { ErrorBody } from './answers.js';
import type { ApiContext } from './context.js';
import type { UnitOfWork } from './idempotency.js';

export const API_PREFIX = '/api/v3';

export const TAGS = [
  'Clients',
  'Campaigns',
  'Assets',
  'Jobs',
  'Videos',
  'Sessions',
  'Webhooks',
  'Admin',
  'Health',
  'Contract',
] as const;

/**
 * How a route knows its caller: by key or a session of it, by a key and no session, by key or session of an admin, by key,
 * session or an asset's token, by key, session or the token of a link to a video, by the provider's signature, or not at
 * all.
 */
export type RouteAccess = 'key' | 'key-alone' | 'admin' | 'key-or-token' | 'key-or-link' | 'signature' | 'open';

export type SuccessBody =
  /** One object in the envelope. */
  | { kind: 'data'; schema: z.ZodType }
  /** A page of objects in the envelope. */
  | { kind: 'list'; schema: z.ZodType }
  /** Bytes, with ranges. */
  | { kind: 'bytes'; contentType: string }
  /** A page for a browser, on which failures are told as well. */
  | { kind: 'page'; sendFailure: (ctx: ApiContext, error: ErrorBody) => void }
  /** JSON without the envelope. */
  | { kind: 'plain'; description: string };

export interface RouteInput<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
}

/** `db` is the request's transaction where the route is idempotent, else the pool. */
export type HandlerInput<Params, Query, Body, Prepared> = RouteInput<Params, Query, Body> &
  UnitOfWork & { prepared: Prepared };

interface RouteDescription {
  method: 'get' | 'post' | 'patch' | 'delete';
  path: `/${string}`;
  /** Name of the operation for generated clients. */
  operation: string;
  tag: (typeof TAGS)[number];
  summary: string;
  description?: string;
  access: RouteAccess;
  /** `unchanged` says when the same body comes with 200, because there was nothing left to do. */
  success: { status: 200 | 201 | 202; body: SuccessBody; unchanged?: string };
  /** Codes beyond those that follow from the rest of the description. */
  errors?: readonly ErrorCode[];
  /**
   * Takes an `Idempotency-Key`, with or without which the handler runs in one transaction. A handler that reads its own
   * body (`rawBody`) calls `answerOnce` itself.
   */
  idempotent?: true;
  /** A body that the handler reads itself. */
  rawBody?: { contentType: string; schema: z.ZodType };
}

interface TypedRoute<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType, Prepared>
  extends RouteDescription {
  /** A path that does not fit is one under which nothing is found: 404. */
  params?: Params;
  query?: Query;
  json?: Body;
  /** Looks at the parsed body before its schema does, and throws what the schema would say less well. */
  screen?: (body: unknown) => void;
  /** What takes long or asks others, before the transaction; see `OnceOnly.prepare`. */
  prepare?(
    ctx: ApiContext,
    input: RouteInput<z.output<Params>, z.output<Query>, z.output<Body>>,
  ): Promise<Prepared> | Prepared;
  /** See `OnceOnly.complete`. */
  complete?(data: never): unknown;
  handle(
    ctx: ApiContext,
    input: HandlerInput<z.output<Params>, z.output<Query>, z.output<Body>, Prepared>,
  ): Promise<void> | void;
}

export interface Route extends RouteDescription {
  params?: z.ZodObject;
  query?: z.ZodObject;
  json?: z.ZodType;
  screen?: (body: unknown) => void;
  prepare?(ctx: ApiContext, input: RouteInput<never, never, never>): unknown;
  complete?(data: never): unknown;
  handle(ctx: ApiContext, input: HandlerInput<never, never, never, never>): Promise<void> | void;
}

/** Ties the types of a handler's input to the schemas that the route declares. */
export function defineRoute<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodType,
  Prepared = undefined,
>(route: TypedRoute<Params, Query, Body, Prepared>): Route {
  return route;
}
