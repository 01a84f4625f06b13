/** The models on offer, from models.json: schemas as `replicate.com/<owner>/<name>/versions/<id>/api` states them. */
import catalogue from './models.json' with { type: 'json' };

/** A model's input as JSON Schema, in the subset the provider's models use. */
export interface InputSchema {
  type: 'object';
  title: string;
  required?: string[];
  properties: Record<string, Record<string, unknown>>;
}

export interface Model {
  /** `owner/name`. */
  name: string;
  kind: 'video' | 'music';
  /** Official models run by name; the others need a version and `POST /predictions`. */
  official: boolean;
  description: string;
  /**
   * 64 hex digits each, newest first. Where the provider's own id is not public (veo-3, veo-3.1-fast) it is the sha256
   * of the model's name.
   */
  versions: readonly string[];
  input: InputSchema;
}

const MODELS: ReadonlyMap<string, Model> = new Map(
  Object.entries(catalogue as unknown as Record<string, Omit<Model, 'name'>>).map(([name, model]) => [
    name,
    { name, ...model },
  ]),
);

export function modelNames(): string[] {
  return [...MODELS.keys()];
}

export function findModel(name: string): Model | undefined {
  return MODELS.get(name);
}

/** The version of a model that runs when none is named. */
export function latestVersion(model: Model): string {
  const [latest] = model.versions;
  if (latest === undefined) throw new Error(`expected ${model.name} to have a version in models.json, it has none`);
  return latest;
}

/**
 * What the `version` of a create names: `owner/name` (official models only), `owner/name:id`, or a bare id. The
 * version is "hidden" where an official model was named without one. Undefined where there is no such version.
 */
export function resolveVersion(text: string): { model: Model; version: string } | undefined {
  const [name = '', id] = text.includes('/') ? text.split(':') : [undefined, text];
  if (id === undefined) {
    const model = MODELS.get(name);
    return model?.official === true ? { model, version: 'hidden' } : undefined;
  }
  for (const model of MODELS.values()) {
    if (model.versions.includes(id) && (name === '' || name === model.name)) return { model, version: id };
  }
  return undefined;
}
