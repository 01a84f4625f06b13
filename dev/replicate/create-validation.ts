/** Checks a create as the provider does: JSON Schema with its words for each kind of mistake, all mistakes at once. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { combinationProblems } from './model-rules.js';
import type { Model } from './models.js';
import { type InvalidField, inputValidationFailed } from './problems.js';
import { withDefaults } from './render-job.js';

export const WEBHOOK_EVENTS = ['start', 'output', 'logs', 'completed'] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** The body of a create; `version` only where it is created by version. */
export interface CreateBody {
  version?: string;
  input: Record<string, unknown>;
  webhook?: string;
  webhook_events_filter?: WebhookEvent[];
  stream?: boolean;
}

const ajv = new Ajv({ allErrors: true, strict: false, formats: { uri: isUri, webhook: isWebhook } });

const COMMON = {
  input: { type: 'object' },
  webhook: { type: 'string', format: 'webhook' },
  webhook_events_filter: { type: 'array', items: { type: 'string', enum: WEBHOOK_EVENTS } },
  stream: { type: 'boolean' },
};
const bodyByModel = ajv.compile<CreateBody>({
  type: 'object',
  additionalProperties: false,
  required: ['input'],
  properties: COMMON,
});
const bodyByVersion = ajv.compile<CreateBody>({
  type: 'object',
  additionalProperties: false,
  required: ['version', 'input'],
  properties: { version: { type: 'string' }, ...COMMON },
});
const inputs = new Map<string, ValidateFunction>();

function isUri(text: string): boolean {
  return URL.canParse(text);
}

/** The real provider takes HTTPS only; this one is used on one machine. */
function isWebhook(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** The provider's wording is that of the Go library gojsonschema. */
function describe(error: ErrorObject, value: unknown): Pick<InvalidField, 'type' | 'description'> {
  const { keyword, params } = error;
  const lastPart = error.instancePath.split('/').at(-1) ?? '';
  switch (keyword) {
    case 'required':
      return { type: 'required', description: `${params['missingProperty']} is required` };
    case 'additionalProperties':
      return {
        type: 'additional_property_not_allowed',
        description: `Additional property ${params['additionalProperty']} is not allowed`,
      };
    case 'type':
      return {
        type: 'invalid_type',
        description: `Invalid type. Expected: ${params['type']}, given: ${typeName(value)}`,
      };
    case 'enum': {
      const allowed = (params['allowedValues'] as unknown[]).map((one) => JSON.stringify(one)).join(', ');
      return { type: 'enum', description: `${lastPart} must be one of the following: ${allowed}` };
    }
    case 'minimum':
      return { type: 'number_gte', description: `Must be greater than or equal to ${params['limit']}` };
    case 'maximum':
      return { type: 'number_lte', description: `Must be less than or equal to ${params['limit']}` };
    case 'maxItems':
      return { type: 'array_max_items', description: `Array must have at most ${params['limit']} items` };
    case 'format':
      return { type: 'format', description: `Does not match format '${params['format']}'` };
    default:
      return { type: keyword, description: error.message ?? keyword };
  }
}

function problemsOf(validate: ValidateFunction, value: unknown, path: string[]): InvalidField[] {
  if (validate(value)) return [];
  const errors = validate.errors ?? [];
  // What has the wrong type is not looked at further.
  const mistyped = new Set(errors.filter((error) => error.keyword === 'type').map((error) => error.instancePath));
  const told = errors.filter((error) => error.keyword === 'type' || !mistyped.has(error.instancePath));
  return told.map((error) => {
    const parts = error.instancePath.split('/').slice(1);
    const seen = parts.reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], value);
    return { field: [...path, ...parts].join('.'), ...describe(error, seen) };
  });
}

/** The body of a create by model or by version. Throws a 422 problem that names every refused field. */
export function validateBody(body: unknown, by: 'model' | 'version'): CreateBody {
  const problems = problemsOf(by === 'model' ? bodyByModel : bodyByVersion, body, []);
  if (problems.length > 0) throw inputValidationFailed(problems);
  return body as CreateBody;
}

/**
 * Throws a 422 problem that names every field the model refuses. Fields it does not know pass, as at the provider:
 * `replicate.com/changelog/2024-05-01-improved-validation-for-api-prediction-payloads`.
 */
export function validateInput(model: Model, input: Record<string, unknown>): void {
  let validate = inputs.get(model.name);
  if (validate === undefined) {
    validate = ajv.compile(model.input);
    inputs.set(model.name, validate);
  }
  let problems = problemsOf(validate, input, ['input']);
  if (problems.length === 0) problems = combinationProblems(model.name, withDefaults(model.name, input));
  if (problems.length > 0) throw inputValidationFailed(problems);
}
