/** Every variable that a process of this product reads, in one place; nothing else looks at `process.env`. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const blank = (value: unknown): unknown => (value === '' ? undefined : value);
const optional = <T extends z.ZodType>(schema: T) => z.preprocess(blank, schema.optional());
const withDefault = <T extends z.ZodType>(schema: T, value: string) =>
  z.preprocess((given) => blank(given) ?? value, schema);

const url = z.url({ protocol: /^https?$/, error: 'expected an http or https URL' });
const wholeNumber = z.string().regex(/^\d+$/, { error: 'expected a whole number' }).transform(Number);
const positiveNumber = wholeNumber.refine((value) => value >= 1, { error: 'expected a whole number from 1' });
const port = wholeNumber.refine((value) => value <= 65_535, { error: 'expected a port from 0 to 65535' });
const withoutSlash = url.transform((value) => value.replace(/\/+$/, ''));

/** Entries divided by commas. */
const webhookSecrets = z.string().transform((text, ctx) => {
  const entries = text.split(',').map((entry) => entry.trim());
  if (!entries.every((entry) => entry.startsWith('whsec_')))
    ctx.addIssue({ code: 'custom', message: 'expected whsec_ and base64, or several of those divided by commas' });
  return entries;
});

/** Entries divided by commas, each `host` or `host:port`. */
const hosts = z.string().transform((text, ctx) => {
  const entries = text.split(',').flatMap((entry) => entry.trim() || []);
  if (!entries.every(isHost))
    ctx.addIssue({ code: 'custom', message: 'expected host or host:port, divided by commas' });
  return entries;
});
const isHost = (entry: string): boolean => !/[/?#@*]/.test(entry) && URL.canParse(`http://${entry}`);

export const variables = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'expected postgres://user:password@host/database' }),
  TEMPORAL_ADDRESS: withDefault(z.string(), '127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: withDefault(z.string(), 'default'),
  TEMPORAL_API_KEY: optional(z.string()),
  TEMPORAL_TLS_CA_PATH: optional(z.string()),
  TEMPORAL_TLS_CERT_PATH: optional(z.string()),
  TEMPORAL_TLS_KEY_PATH: optional(z.string()),
  /** Base address of the Web UI, for links from jobs; without it a job's workflow has no link. */
  TEMPORAL_UI_URL: optional(withoutSlash),
  REPLICATE_API_TOKEN: z.preprocess(blank, z.string({ error: 'expected an API token of Replicate' })),
  REPLICATE_BASE_URL: withDefault(withoutSlash, 'https://api.replicate.com/v1'),
  /** One, or while it is being changed several, divided by commas: each of them is accepted. */
  REPLICATE_WEBHOOK_SECRET: optional(webhookSecrets),
  /** Where the provider reaches the api. Unset: inputs are uploaded to the provider, outcomes are polled. */
  PUBLIC_URL: optional(withoutSlash),
  SECRET_KEY: z
    .string({ error: 'expected at least 32 characters' })
    .min(32, { error: 'expected at least 32 characters' }),
  HOST: withDefault(z.string(), '127.0.0.1'),
  /** 0 for a free one. */
  PORT: withDefault(port, '8080'),
  LOG_LEVEL: withDefault(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']), 'info'),
  FFMPEG_PATH: withDefault(z.string(), 'ffmpeg'),
  FFPROBE_PATH: withDefault(z.string(), 'ffprobe'),
  /** Purchases a minute over all workers; 0 for no limit. The provider allows 600. */
  CREATES_PER_MINUTE: withDefault(wholeNumber, '500'),
  PARALLEL_CLIPS: withDefault(positiveNumber, '10'),
  POLL_FIRST_MS: optional(wholeNumber),
  POLL_MAX_MS: optional(wholeNumber),
  ABSENCE_AFTER_MS: withDefault(wholeNumber, '120000'),
  /** How long a clip waits for a decision before it is skipped; by default seven days. */
  DECISION_PATIENCE_MS: withDefault(positiveNumber, String(7 * 24 * 3600 * 1000)),
  /** How many purchases an owner may have open at once, where no limit of its own is set. */
  OPEN_PURCHASES_PER_OWNER: withDefault(positiveNumber, '30'),
  /** After 401, 402 or 403, how soon one purchase tries whether the account is in order again. */
  PURCHASING_PROBE_MS: withDefault(positiveNumber, '30000'),
  /** What all stored media may have together, in bytes; unset for no limit. */
  BLOB_STORE_MAX_BYTES: optional(positiveNumber),
  /** Days that media are kept after the end of their job; unset for ever. A campaign may have days of its own. */
  RETENTION_DAYS: optional(positiveNumber),
  /** How old bytes must be that nothing refers to before they are deleted; by default a day. */
  ORPHAN_GRACE_MS: withDefault(positiveNumber, String(24 * 3600 * 1000)),
  MAX_UPLOAD_BYTES: withDefault(wholeNumber, String(500 * 1024 * 1024)),
  /** Where chunks of blobs are kept beside the database, for whoever asks again; by default in the system's temporary folder. */
  BLOB_CACHE_DIR: optional(z.string()),
  /** Most bytes in it; 0 for no such cache. */
  BLOB_CACHE_MAX_BYTES: withDefault(wholeNumber, String(2 * 1024 ** 3)),
  /** Most bytes of hot chunks in the memory of each api process; 0 for none. */
  BLOB_MEMORY_BYTES: withDefault(wholeNumber, String(32 * 1024 ** 2)),
  /** Addresses that callers may name for images although they are not public. */
  PRIVATE_ADDRESSES_ALLOWED: withDefault(hosts, ''),
  /** Where Prometheus reads figures; unset for nowhere, 0 for a free port. */
  METRICS_PORT: optional(port),
  METRICS_HOST: withDefault(z.string(), '127.0.0.1'),
  /** An OTLP/HTTP collector. Unset: nothing is traced. OpenTelemetry's SDK reads this and its other variables itself. */
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(url),
  OTEL_SERVICE_NAME: optional(z.string()),
  OTEL_TRACES_SAMPLER: optional(
    z.enum([
      'always_on',
      'always_off',
      'traceidratio',
      'parentbased_always_on',
      'parentbased_always_off',
      'parentbased_traceidratio',
    ]),
  ),
  OTEL_TRACES_SAMPLER_ARG: optional(
    z.string().refine((text) => Number(text) >= 0 && Number(text) <= 1, { error: 'expected a number from 0 to 1' }),
  ),
  /** Whether an order of our own is placed each night: on, off, or only where the provider is on this machine. */
  SELF_TEST: withDefault(z.enum(['auto', 'on', 'off'], { error: 'expected auto, on or off' }), 'auto'),
  REELWRIGHT_BUILD_ID: optional(z.string()),
  WORKFLOW_BUNDLE_PATH: optional(z.string()),
});

export type Environment = z.output<typeof variables>;

/** The environment lacks something or holds something wrong; the message names each variable, never a value. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';

  /** @param problems one line for each variable: its name, what was expected, what was seen */
  constructor(problems: readonly string[]) {
    super(`The environment is not as expected.\n  ${problems.join('\n  ')}`);
  }
}

/**
 * Reads the named variables. Each may be given as `<NAME>_FILE` instead, the path of a file that holds the value, so that
 * a secret need not stand in the environment; line ends after the value are no part of it. Throws EnvironmentError that
 * names all that are missing or wrong.
 */
export function readEnvironment<K extends keyof Environment>(
  names: readonly K[],
  env: NodeJS.ProcessEnv = process.env,
): Pick<Environment, K> {
  const given = names.map((name) => ({ name, ...valueOf(name, env) }));
  const unread = given.filter(({ problem }) => problem !== undefined).map(({ name }) => name);
  const mask = Object.fromEntries(names.filter((name) => !unread.includes(name)).map((name) => [name, true]));
  const values = Object.fromEntries(given.map(({ name, value }) => [name, value]));
  const result = variables.pick(mask as never).safeParse(values);
  const problems = [
    ...given.flatMap(({ problem }) => problem ?? []),
    ...(result.error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`),
  ];
  if (problems.length > 0) throw new EnvironmentError(problems);
  return result.data as unknown as Pick<Environment, K>;
}

interface Given {
  value?: string | undefined;
  /** Why the value could not be read. */
  problem?: string;
}

function valueOf(name: string, env: NodeJS.ProcessEnv): Given {
  const fileName = `${name}_FILE`;
  const path = env[fileName];
  if (path === undefined || path === '') return { value: env[name] };
  if (env[name] !== undefined && env[name] !== '') {
    return { problem: `${fileName}: expected either this or ${name}, got both` };
  }
  try {
    return { value: readFileSync(path, 'utf8').replace(/[\r\n]+$/, '') };
  } catch (error) {
    return { problem: `${fileName}: expected a file that can be read, got ${(error as NodeJS.ErrnoException).code}` };
  }
}
