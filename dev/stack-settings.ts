/** What the environment says of the stack: which parts are given, and therefore not started. */
import { TEMPORAL_NAMESPACE } from './parts/temporal.js';

export interface StackSettings {
  /** A Postgres that is used, not started. */
  databaseUrl: string | undefined;
  /** A Temporal that is used, not started. */
  temporal: { address: string; namespace: string; uiUrl: string | undefined } | undefined;
  /** A Replicate that is used, not started; without a base URL the real one. */
  replicate: { token: string; baseUrl: string | undefined } | undefined;
  publicUrl: string | undefined;
  secretKey: string | undefined;
  /** Where the api listens; `port` is chosen when undefined. */
  api: { host: string; port: number | undefined };
  logLevel: string;
}

/** The environment contradicts itself. The message is written for the person at the terminal. */
export class SettingsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SettingsError';
  }
}

/** @throws SettingsError */
export function readSettings(env: NodeJS.ProcessEnv): StackSettings {
  const read = (name: string): string | undefined => env[name] || undefined;
  const temporalAddress = read('TEMPORAL_ADDRESS');
  return {
    databaseUrl: read('DATABASE_URL'),
    temporal:
      temporalAddress === undefined
        ? undefined
        : {
            address: temporalAddress,
            namespace: read('TEMPORAL_NAMESPACE') ?? TEMPORAL_NAMESPACE,
            uiUrl: read('TEMPORAL_UI_URL'),
          },
    replicate: readReplicate(read('REPLICATE_API_TOKEN'), read('REPLICATE_BASE_URL')),
    publicUrl: read('PUBLIC_URL'),
    secretKey: read('SECRET_KEY'),
    api: { host: read('HOST') ?? '127.0.0.1', port: readPort(read('PORT')) },
    logLevel: read('LOG_LEVEL') ?? 'info',
  };
}

function readReplicate(token: string | undefined, baseUrl: string | undefined): StackSettings['replicate'] {
  if (token !== undefined) return { token, baseUrl };
  if (baseUrl === undefined) return undefined;
  throw new SettingsError('REPLICATE_BASE_URL is set and REPLICATE_API_TOKEN is not: set both, or neither.');
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new SettingsError(`Expected a number from 1 to 65535 in PORT, saw "${text}".`);
}
