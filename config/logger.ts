import { type DestinationStream, type Logger, pino } from 'pino';
import { logFields } from '../telemetry/log-context.js';

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

/**
 * One JSON line per event, on standard output unless another destination is given; secrets redacted. Each line has the
 * fields of the work that writes it (`withLogFields`) and the ids of its trace; its own fields come before those.
 */
export function createLogger(name: string, level: string, destination?: DestinationStream): Logger {
  const options = {
    name,
    level,
    redact: { paths: REDACTED, censor: '[redacted]' },
    mixin: logFields,
    // By default the mixin would win.
    mixinMergeStrategy: (own: object, mixedIn: object) => ({ ...mixedIn, ...own }),
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
