/** What a route is: data from which both the router and the OpenAPI document are made, so that neither can lack one. */
import type { z } from 'zod';
import type { ErrorCode } from '../domain/errors.js';
import type { ApiContext } from './context.js';

export const API_PREFIX = '/api/v3';

export const TAGS = ['Clients', 'Campaigns', 'Assets', 'Jobs', 'Videos', 'Webhooks', 'Health', 'Contract'] as const;

/** How a route knows its caller: by key, by key or an asset's token, by the provider's signature, or not at all. */
export type RouteAccess = 'key' | 'key-or-token' | 'signature' | 'open';

export type SuccessBody =
  /** One object in the envelope. */
  | { kind: 'data'; schema: z.ZodType }
  /** A page of objects in the envelope. */
  | { kind: 'list'; schema: z.ZodType }
  /** Bytes, with ranges. */
  | { kind: 'bytes'; contentType: string }
  /** JSON without the envelope. */
  | { kind: 'plain'; description: string };

export interface RouteInput<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
}

interface RouteDescription {
  method: 'get' | 'post';
  path: `/${string}`;
  /** Name of the operation for generated clients. */
  operation: string;
  tag: (typeof TAGS)[number];
  summary: string;
  description?: string;
  access: RouteAccess;
  success: { status: 200 | 201 | 202; body: SuccessBody };
  /** Codes beyond those that follow from the rest of the description. */
  errors?: readonly ErrorCode[];
  /** A body that the handler reads itself. */
  rawBody?: { contentType: string; schema: z.ZodType };
}

interface TypedRoute<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType>
  extends RouteDescription {
  /** A path that does not fit is one under which nothing is found: 404. */
  params?: Params;
  query?: Query;
  json?: Body;
  /** Looks at the parsed body before its schema does, and throws what the schema would say less well. */
  screen?: (body: unknown) => void;
  handle(ctx: ApiContext, input: RouteInput<z.output<Params>, z.output<Query>, z.output<Body>>): Promise<void> | void;
}

export interface Route extends RouteDescription {
  params?: z.ZodObject;
  query?: z.ZodObject;
  json?: z.ZodType;
  screen?: (body: unknown) => void;
  handle(ctx: ApiContext, input: RouteInput<never, never, never>): Promise<void> | void;
}

/** Ties the types of a handler's input to the schemas that the route declares. */
export function defineRoute<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodType,
>(route: TypedRoute<Params, Query, Body>): Route {
  return route;
}
