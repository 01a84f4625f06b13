/** Sockets that could not be opened or broke, by code of Node. */
const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);
/** Class 08 and the shutdown codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const SQLSTATES = /^(08...|57P0[1-5])$/;

/** True for a query's error that says nothing of the query: the database could not be reached or ended the connection. */
export function isDatabaseUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Knex has waited in vain for a connection; the driver's own words when one breaks carry no code.
  if (error.name === 'KnexTimeoutError' || error.message.startsWith('Connection terminated')) return true;
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'string' && (SOCKET_CODES.has(code) || SQLSTATES.test(code));
}
