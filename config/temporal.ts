import { readFile } from 'node:fs/promises';
import type { Environment } from './environment.js';

/** The variables that say where Temporal is. */
export const TEMPORAL_VARIABLES = [
  'TEMPORAL_ADDRESS',
  'TEMPORAL_NAMESPACE',
  'TEMPORAL_API_KEY',
  'TEMPORAL_TLS_CA_PATH',
  'TEMPORAL_TLS_CERT_PATH',
  'TEMPORAL_TLS_KEY_PATH',
] as const;

export interface TemporalConnectionOptions {
  address: string;
  apiKey?: string;
  tls?: true | { serverRootCACertificate?: Buffer; clientCertPair?: { crt: Buffer; key: Buffer } };
}

/**
 * What `Connection.connect` and `NativeConnection.connect` take. TLS is on with an API key, a CA or a client
 * certificate; a certificate needs its key and the other way round.
 */
export async function temporalConnectionOptions(
  env: Pick<Environment, (typeof TEMPORAL_VARIABLES)[number]>,
): Promise<TemporalConnectionOptions> {
  const { TEMPORAL_TLS_CA_PATH: ca, TEMPORAL_TLS_CERT_PATH: crt, TEMPORAL_TLS_KEY_PATH: key } = env;
  if ((crt === undefined) !== (key === undefined)) {
    throw new Error('TEMPORAL_TLS_CERT_PATH and TEMPORAL_TLS_KEY_PATH are expected together, one is missing');
  }
  const files = {
    ...(ca === undefined ? {} : { serverRootCACertificate: await readFile(ca) }),
    ...(crt === undefined || key === undefined
      ? {}
      : { clientCertPair: { crt: await readFile(crt), key: await readFile(key) } }),
  };
  const tls = Object.keys(files).length > 0 ? files : env.TEMPORAL_API_KEY === undefined ? undefined : (true as const);
  return {
    address: env.TEMPORAL_ADDRESS,
    ...(env.TEMPORAL_API_KEY === undefined ? {} : { apiKey: env.TEMPORAL_API_KEY }),
    ...(tls === undefined ? {} : { tls }),
  };
}
