import { EnvironmentError } from './environment.js';

/** Failures of the surroundings that carry no code. */
const NAMES = new Set([EnvironmentError.name, 'TransportError', 'ServiceError']);

/**
 * Says why a process could not start or a command failed. A message is enough for what the surroundings caused: a
 * variable, a file, a server, a table. Anything else is a fault of this code and keeps its stack.
 */
export function describeStartFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A refused connection to a name with several addresses has no message of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(describeStartFailure).join('; ');
  const { code, details } = error as { code?: unknown; details?: unknown };
  const isSystemCode = typeof code === 'string' && !code.startsWith('ERR_');
  const isGrpcStatus = typeof code === 'number' && typeof details === 'string';
  const isOutside = NAMES.has(error.name) || isSystemCode || isGrpcStatus;
  return isOutside ? error.message : (error.stack ?? error.message);
}

/** What `start` gives; where it fails, its reason goes to standard error and the process ends with 1. */
export async function startOrExit<T>(name: string, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    process.stderr.write(`${name}: ${describeStartFailure(error)}\n`);
    // What was opened before the failure would keep the process alive.
    process.exit(1);
  }
}
