import type { OpenApiDocument } from '../openapi/document.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';

export function contractRoutes(document: () => OpenApiDocument): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/openapi.json`,
      operation: 'getContract',
      tag: 'Contract',
      summary: 'Get this contract',
      access: 'open',
      success: { status: 200, body: { kind: 'plain', description: 'A document of OpenAPI 3.1.' } },
      handle(ctx) {
        ctx.body = document();
      },
    }),
  ];
}
