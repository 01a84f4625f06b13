import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Fields that hold a secret wherever they stand in a log line; their values are never written. */
const SECRET_FIELDS = ['authorization', 'cookie', 'token', 'key', 'apiKey', 'secret', 'password', 'databaseUrl'];
const REDACTED = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`, `*.headers.${field}`]).concat([
  '*["x-api-key"]',
  'headers["x-api-key"]',
  '*.headers["x-api-key"]',
  // A body that could not be parsed hangs on the parser's error.
  'err.body',
]);

/** One JSON line per event on standard output, secrets redacted. */
export function createLogger(name: string, level: string): Logger {
  return pino({ name, level, redact: { paths: REDACTED, censor: '[redacted]' } });
}
