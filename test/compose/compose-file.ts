/** docker-compose.yml as data, and a check against the Compose Specification's own schema. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface ComposeService {
  image?: string;
  build?: string;
  user?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  tmpfs?: string[];
  secrets?: string[];
  profiles?: string[];
  entrypoint?: string[];
  deploy?: { replicas?: number; resources?: { limits?: { cpus?: string; memory?: string } } };
  restart?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  healthcheck?: { test: string[]; disable?: boolean };
  depends_on?: Record<string, { condition: string }>;
  configs?: { source: string; target: string }[];
  volumes?: string[];
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
  configs: Record<string, { file?: string; content?: string }>;
  secrets: Record<string, { file: string }>;
}

export const composeText: string = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
export const environmentExample: string = readFileSync(join(ROOT, '.env.example'), 'utf8');

/** A copy of its own for each caller. */
export function composeFile(): ComposeFile {
  return parse(composeText, { merge: true }) as ComposeFile;
}

/** What the schema says against a Compose file: the places and the reasons; empty for a valid one. */
export function schemaProblems(file: unknown): string[] {
  return validate(file)
    ? []
    : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}

/** `dclint` carries the schema of https://github.com/compose-spec/compose-spec (Apache-2.0) and exports only its code. */
function readSchema(): Record<string, unknown> {
  const folder = dirname(createRequire(import.meta.url).resolve('dclint/package.json'));
  const { $schema, ...schema } = JSON.parse(
    readFileSync(join(folder, 'schemas', 'compose.schema.json'), 'utf8'),
  ) as Record<string, unknown>;
  // The address is draft-07's with another protocol, under which no validator knows it.
  if ($schema !== 'https://json-schema.org/draft-07/schema')
    throw new Error(`expected draft-07, got ${String($schema)}`);
  return schema;
}

const validate = new Ajv({ allErrors: true, strict: false }).compile(readSchema());
