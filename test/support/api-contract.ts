import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import * as formats from 'ajv-formats';
import { openApiDocument } from '../../api/openapi/document.js';
import type { Route } from '../../api/route.js';

/** Says what is wrong with an answer by the published contract; undefined when it conforms. */
export type ContractCheck = (method: string, path: string, status: number, body: unknown) => string | undefined;

/** Checks JSON answers against the document that the api itself serves. */
export function contractCheck(routes: readonly Route[]): ContractCheck {
  const document = JSON.parse(JSON.stringify(openApiDocument(routes))) as ReturnType<typeof openApiDocument>;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default.default(ajv);
  ajv.addSchema({ $id: 'contract', components: document.components });
  const templates = Object.keys(document.paths).map((path) => ({
    path,
    pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+').replaceAll('.', '\\.')}$`),
  }));
  const compiled = new Map<string, ValidateFunction>();
  const compile = (key: string, schema: unknown): ValidateFunction => {
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"contract#/components')) as object;
    const validate = compiled.get(key) ?? ajv.compile(absolute);
    compiled.set(key, validate);
    return validate;
  };
  return (method, path, status, body) => {
    const template = templates.find(({ pattern }) => pattern.test(path))?.path;
    const operation = template === undefined ? undefined : document.paths[template]?.[method.toLowerCase()];
    const responses = operation?.['responses'] as Record<string, { content?: Record<string, { schema: unknown }> }>;
    // What no route answers is answered by the same envelope.
    const documented = responses?.[status]?.content?.['application/json']?.schema;
    if (operation !== undefined && responses?.[status] === undefined) return `status ${status} is not documented`;
    const schema = documented ?? { $ref: '#/components/schemas/Error' };
    const validate = compile(`${method} ${template} ${status}`, schema);
    return validate(body) ? undefined : ajv.errorsText(validate.errors);
  };
}
