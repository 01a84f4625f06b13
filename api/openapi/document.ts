/** The contract (OpenAPI 3.1), made from the routes themselves. */
import { API_PREFIX, type Route, TAGS } from '../route.js';
import { SESSION_COOKIE } from '../session-cookie.js';
import { componentSchemas, type JsonSchema } from './components.js';
import { operationOf } from './operation.js';

export interface OpenApiDocument {
  openapi: '3.1.0';
  info: { title: string; version: string; description: string };
  tags: { name: string }[];
  paths: Record<string, Record<string, JsonSchema>>;
  components: { schemas: Record<string, JsonSchema>; securitySchemes: Record<string, JsonSchema> };
}

export function openApiDocument(routes: readonly Route[]): OpenApiDocument {
  const paths: OpenApiDocument['paths'] = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    const item = (paths[path] ??= {});
    item[route.method] = operationOf(route);
    if (route.success.body.kind === 'bytes') item['head'] = operationOf(route, 'head');
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Reelwright',
      version: '3',
      description: `Videos made of many generated clips. Everything but health and the watch page is below ${API_PREFIX}; every JSON answer is {data, error, meta}.`,
    },
    tags: TAGS.map((name) => ({ name })),
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        bearer: { type: 'http', scheme: 'bearer', description: "A key, or a session's token." },
        session: { type: 'apiKey', in: 'cookie', name: SESSION_COOKIE, description: 'Set by POST /sessions.' },
        token: { type: 'apiKey', in: 'query', name: 'token', description: "From an asset's temporaryUrl." },
        link: { type: 'apiKey', in: 'query', name: 'token', description: "From a video link's videoUrl." },
      },
    },
  };
}
