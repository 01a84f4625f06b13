import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERRORS } from '../../domain/errors.js';
import { MODEL_NAMES } from '../../domain/models.js';
import { type RunningApi, startApi } from '../../test/support/running-api.js';
import { createApp } from '../app.js';
import { mountRoutes } from '../mount-routes.js';
import type { OpenApiDocument } from '../openapi/document.js';

let api: RunningApi;
let document: OpenApiDocument;
beforeAll(async () => {
  api = await startApi();
  document = (await (await fetch(`${api.url}/api/v3/openapi.json`)).json()) as OpenApiDocument;
});
afterAll(() => api.stop());

interface Operation {
  operationId: string;
  summary: string;
  security: Record<string, unknown>[];
  parameters: { name: string; in: string; required: boolean; schema: Record<string, unknown> }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { description: string }>;
}

const operation = (method: string, path: string): Operation => document.paths[path]?.[method] as unknown as Operation;
const operations = (): Operation[] =>
  Object.values(document.paths).flatMap((item) => Object.values(item) as unknown as Operation[]);

describe('the contract', () => {
  test('is served without a key and holds every route of the router, and no other', () => {
    const router = mountRoutes(createApp(api.deps).routes, api.deps);
    const mounted = router.stack.flatMap((layer) =>
      layer.methods
        .filter((method) => method !== 'HEAD')
        .map((method) => `${method} ${String(layer.path).replace(/:(\w+)/g, '{$1}')}`),
    );
    const documented = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item)
        .filter((method) => method !== 'head')
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(documented.sort()).toEqual(mounted.sort());
    expect(mounted.length).toBeGreaterThanOrEqual(19);
  });

  test('says of every route that asks who is there that the database may be away', () => {
    const guarded = operations().filter(({ security }) => security.length > 0);
    expect(guarded.length).toBeGreaterThan(20);
    for (const { operationId, responses } of guarded) {
      expect(responses['503']?.description, operationId).toContain('NOT_READY');
    }
  });

  test('is OpenAPI 3.1 whose references all lead somewhere and whose schemas all compile', () => {
    expect(document.openapi).toBe('3.1.0');
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(references.length).toBeGreaterThan(20);
    for (const reference of references) {
      expect(document.components.schemas).toHaveProperty([reference.replace('#/components/schemas/', '')]);
    }
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'contract', components: document.components });
    for (const name of Object.keys(document.components.schemas)) {
      expect(ajv.compile({ $ref: `contract#/components/schemas/${name}` })).toBeTypeOf('function');
    }
  });

  test('names each operation once and documents every parameter of its path', () => {
    const ids = operations().map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [path, item] of Object.entries(document.paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      for (const method of Object.keys(item)) {
        const described = operation(method, path).parameters.filter((parameter) => parameter.in === 'path');
        expect(described.map(({ name }) => name)).toEqual(inPath);
        expect(described.every(({ required }) => required)).toBe(true);
      }
    }
  });

  test('has HEAD for the routes of bytes, with ranges on GET alone', () => {
    for (const path of [
      '/api/v3/videos/{id}/combined',
      '/api/v3/videos/{id}/clips/{file}',
      '/api/v3/assets/{id}/data',
    ]) {
      expect(Object.keys(operation('head', path).responses)).toContain('200');
      expect(Object.keys(operation('head', path).responses)).not.toContain('206');
      expect(Object.keys(operation('get', path).responses)).toEqual(
        expect.arrayContaining(['200', '206', '304', '412', '416']),
      );
    }
  });

  test('says of an order what the api checks: an order that it takes is valid, one that it refuses is not', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'contract', components: document.components });
    const schema = operation('post', '/api/v3/jobs').requestBody?.content['application/json']?.schema;
    expect(schema).toEqual({ $ref: '#/components/schemas/JobOrder' });
    const valid = ajv.compile({ $ref: 'contract#/components/schemas/JobOrder' });
    expect(valid({ kind: 'clips', clips: [{ prompt: 'x', model: MODEL_NAMES[0] }] })).toBe(true);
    expect(valid({ kind: 'clips', clips: [] })).toBe(false);
    expect(valid({ kind: 'clips', clips: [{ prompt: 'x' }], colour: 'red' })).toBe(false);
  });

  test('lists every code of an error, and the query parameters of a list', () => {
    expect(JSON.stringify(document.components.schemas['Error'])).toContain(JSON.stringify(Object.keys(ERRORS)));
    expect(operation('get', '/api/v3/jobs').parameters.map(({ name }) => name)).toEqual([
      'page',
      'limit',
      'status',
      'kind',
      'campaignId',
    ]);
    expect(operation('get', '/api/v3/jobs').parameters[1]?.schema).toMatchObject({
      type: 'integer',
      minimum: 1,
      maximum: 100,
      default: 20,
    });
  });

  test('explains every way in that a route names', () => {
    const ways = operations().flatMap(({ security }) => security.flatMap((way) => Object.keys(way)));
    expect([...new Set(ways)].sort()).toEqual(Object.keys(document.components.securitySchemes).sort());
    const waysOf = (method: string, path: string) => operation(method, path).security.map((way) => Object.keys(way)[0]);
    expect(waysOf('head', '/api/v3/videos/{id}/combined')).toEqual(['key', 'bearer', 'session', 'link']);
    expect(waysOf('get', '/api/v3/videos/{id}/clips/{file}')).toEqual(['key', 'bearer', 'session']);
    expect(waysOf('post', '/api/v3/sessions')).toEqual(['key', 'bearer']);
  });

  test('says which routes need no key', () => {
    const open = operations()
      .filter(({ security }) => security.length === 0)
      .map(({ operationId }) => operationId);
    expect(open.sort()).toEqual(['getContract', 'live', 'ready', 'receiveReplicateWebhook']);
  });
});
