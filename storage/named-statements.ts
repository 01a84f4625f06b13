import type { Client, QueryConfig, QueryResult } from 'pg';

/** Most statements that one connection keeps prepared: several times as many as a process has in use. */
const MOST = 300;
/** `feature_not_supported`, with which Postgres refuses a plan whose columns a migration has changed meanwhile. */
const FEATURE_NOT_SUPPORTED = '0A000';

type Callback = (error: Error | null, result?: QueryResult) => void;
type Query = (config: QueryConfig, callback: Callback) => unknown;

/**
 * Has Postgres prepare each statement with values once for the connection, instead of parsing and planning it every time:
 * of the small statements that ours are, that is more than half the work. Whether a plan fits all values is for Postgres
 * to decide: https://www.postgresql.org/docs/current/sql-prepare.html#SQL-PREPARE-NOTES
 *
 * A statement whose columns have changed since is prepared anew; within a transaction, which it has ended, it fails once.
 */
export function nameStatements(connection: Client): void {
  const query = connection.query.bind(connection) as Query;
  const names = new Map<string, string>();
  let prepared = 0;
  const nameOf = (text: string): string | undefined => {
    if (!names.has(text) && names.size < MOST) {
      prepared += 1;
      names.set(text, `s${prepared}`);
    }
    return names.get(text);
  };
  const named: Query = (config, callback) => {
    const name = isNameable(config) ? nameOf(config.text) : undefined;
    if (name === undefined) return query(config, callback);
    return query({ ...config, name }, (error, result) => {
      const isStale = error !== null && 'code' in error && error.code === FEATURE_NOT_SUPPORTED;
      if (isStale) names.delete(config.text);
      if (isStale && connection.getTransactionStatus() !== 'T') query(config, callback);
      else callback(error, result);
    });
  };
  connection.query = named as Client['query'];
}

/** What has no values is said once, such as BEGIN; streams bring their own way. */
const isNameable = (config: QueryConfig): boolean =>
  config.name === undefined && Array.isArray(config.values) && config.values.length > 0;
