import { readFile } from 'node:fs/promises';
import { type Environment, EnvironmentError } from './environment.js';

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
 * certificate; a certificate needs its key and the other way round. Throws EnvironmentError where a file is missing.
 */
export async function temporalConnectionOptions(
  env: Pick<Environment, (typeof TEMPORAL_VARIABLES)[number]>,
): Promise<TemporalConnectionOptions> {
  const { TEMPORAL_TLS_CA_PATH: ca, TEMPORAL_TLS_CERT_PATH: crt, TEMPORAL_TLS_KEY_PATH: key } = env;
  if ((crt === undefined) !== (key === undefined)) {
    const missing = crt === undefined ? 'TEMPORAL_TLS_CERT_PATH' : 'TEMPORAL_TLS_KEY_PATH';
    throw new EnvironmentError([
      `${missing}: expected a path, because the other half of the client certificate is set`,
    ]);
  }
  const files = {
    ...(ca === undefined ? {} : { serverRootCACertificate: await readPem('TEMPORAL_TLS_CA_PATH', ca) }),
    ...(crt === undefined || key === undefined
      ? {}
      : {
          clientCertPair: {
            crt: await readPem('TEMPORAL_TLS_CERT_PATH', crt),
            key: await readPem('TEMPORAL_TLS_KEY_PATH', key),
          },
        }),
  };
  const tls = Object.keys(files).length > 0 ? files : env.TEMPORAL_API_KEY === undefined ? undefined : (true as const);
  return {
    address: env.TEMPORAL_ADDRESS,
    ...(env.TEMPORAL_API_KEY === undefined ? {} : { apiKey: env.TEMPORAL_API_KEY }),
    ...(tls === undefined ? {} : { tls }),
  };
}

async function readPem(variable: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new EnvironmentError([`${variable}: expected a file that can be read, got ${code}`]);
  }
}
