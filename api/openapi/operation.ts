/** One operation of the contract out of one route. */
import { ERRORS, type ErrorCode } from '../../domain/errors.js';
import { IDEMPOTENCY_HEADER, KEY_PATTERN } from '../idempotency.js';
import type { Route, SuccessBody } from '../route.js';
import { type JsonSchema, ref, schemaOf } from './components.js';

const SECURITY = {
  key: [{ key: [] }, { bearer: [] }, { session: [] }],
  'key-alone': [{ key: [] }, { bearer: [] }],
  admin: [{ key: [] }, { bearer: [] }, { session: [] }],
  'key-or-token': [{ key: [] }, { bearer: [] }, { session: [] }, { token: [] }],
  'key-or-link': [{ key: [] }, { bearer: [] }, { session: [] }, { link: [] }],
  signature: [],
  open: [],
};

/** @param head describes HEAD on the same path: no body, and no range */
export function operationOf(route: Route, head?: 'head'): JsonSchema {
  const request = requestBody(route);
  return {
    operationId: head === undefined ? route.operation : `${route.operation}Head`,
    tags: [route.tag],
    summary: head === undefined ? route.summary : `${route.summary}: the headers alone`,
    ...(route.description === undefined ? {} : { description: route.description }),
    security: SECURITY[route.access],
    parameters: [
      ...parameters(route, 'params', 'path'),
      ...parameters(route, 'query', 'query'),
      ...rangeHeaders(route, head),
      ...idempotencyHeaders(route),
    ],
    ...(request === undefined ? {} : { requestBody: request }),
    responses: { ...successes(route, head), ...failures(route, head) },
  };
}

function parameters(route: Route, from: 'params' | 'query', place: 'path' | 'query'): JsonSchema[] {
  const schema = route[from];
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }));
}

function rangeHeaders(route: Route, head: 'head' | undefined): JsonSchema[] {
  if (route.success.body.kind !== 'bytes' || head !== undefined) return [];
  const description = 'One or several byte ranges (RFC 9110, section 14).';
  return [{ name: 'Range', in: 'header', required: false, description, schema: { type: 'string' } }];
}

function idempotencyHeaders(route: Route): JsonSchema[] {
  if (route.idempotent !== true) return [];
  const description =
    'The same request with the same key gets the same answer for 24 hours, and what it asks is done once. A key ' +
    'belongs to its caller and to this address.';
  const schema = { type: 'string', minLength: 1, maxLength: 255, pattern: KEY_PATTERN };
  return [{ name: IDEMPOTENCY_HEADER, in: 'header', required: false, description, schema }];
}

function requestBody(route: Route): JsonSchema | undefined {
  const body = route.rawBody ?? (route.json && { contentType: 'application/json', schema: route.json });
  if (body === undefined) return undefined;
  return { required: true, content: { [body.contentType]: { schema: schemaOf(body.schema, 'input') } } };
}

function successes(route: Route, head: 'head' | undefined): Record<string, JsonSchema> {
  const { status, body, unchanged: when } = route.success;
  if (body.kind === 'page') {
    return { [status]: { description: route.summary, content: { 'text/html': { schema: { type: 'string' } } } } };
  }
  if (body.kind !== 'bytes') {
    const content = { 'application/json': { schema: answer(body) } };
    const nothingDone = when === undefined ? {} : { 200: { description: when, content } };
    return { ...nothingDone, [status]: { description: route.summary, content } };
  }
  const bytes = { content: { [body.contentType]: { schema: { type: 'string', format: 'binary' } } } };
  const unchanged = { 304: { description: 'What the client has is current.' } };
  if (head !== undefined) return { 200: { description: 'The headers of the whole.' }, ...unchanged };
  return {
    200: { description: 'The whole.', ...bytes },
    206: { description: 'The range that was asked for, or several as multipart/byteranges.', ...bytes },
    ...unchanged,
  };
}

function answer(body: Exclude<SuccessBody, { kind: 'bytes' | 'page' }>): JsonSchema {
  if (body.kind === 'plain') return { type: 'object', description: body.description };
  const item = schemaOf(body.schema, 'output');
  const list = body.kind === 'list';
  return {
    type: 'object',
    required: ['data', 'error', 'meta'],
    properties: {
      data: list ? { type: 'array', items: item } : item,
      error: { type: 'null' },
      meta: ref(list ? 'ListMeta' : 'Meta'),
    },
    additionalProperties: false,
  };
}

/** The errors of a status stand together, since a status is described once. */
function failures(route: Route, head: 'head' | undefined): Record<string, JsonSchema> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codesOf(route)) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const page = route.success.body.kind === 'page';
  const told = page
    ? { 'text/html': { schema: { type: 'string' } } }
    : { 'application/json': { schema: ref('Error') } };
  const content = head === undefined ? { content: told } : {};
  const entries = [...byStatus].map(([status, codes]) => [status, { description: codes.join(', '), ...content }]);
  return Object.fromEntries(entries);
}

function codesOf(route: Route): Set<ErrorCode> {
  const codes = new Set<ErrorCode>(route.errors);
  // Whoever is known by a credential is looked up in the database, which may be away.
  if (SECURITY[route.access].length > 0) codes.add('UNAUTHENTICATED').add('NOT_READY');
  const byCookie = SECURITY[route.access].some((way) => 'session' in way);
  // What changes something is refused to another site's page that has the browser send the cookie.
  if (route.access === 'admin' || (byCookie && route.method !== 'get')) codes.add('FORBIDDEN');
  if (route.access === 'signature') codes.add('INVALID_SIGNATURE');
  if (route.params !== undefined) codes.add('NOT_FOUND');
  if (route.query !== undefined) codes.add('VALIDATION_FAILED');
  if (route.json !== undefined) {
    for (const code of ['MALFORMED_JSON', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', 'VALIDATION_FAILED'] as const)
      codes.add(code);
  }
  if (route.idempotent === true) {
    for (const code of ['VALIDATION_FAILED', 'IDEMPOTENCY_KEY_IN_USE', 'IDEMPOTENCY_KEY_REUSED'] as const)
      codes.add(code);
  }
  if (route.success.body.kind === 'bytes') {
    for (const code of ['PRECONDITION_FAILED', 'RANGE_NOT_SATISFIABLE', 'NOT_READY'] as const) codes.add(code);
  }
  return codes.add('INTERNAL');
}
