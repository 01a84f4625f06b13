import createKnex, { type Knex } from 'knex';
import pg from 'pg';
import { nameStatements } from './named-statements.js';

export interface DatabaseOptions {
  /** How the connections call themselves in `pg_stat_activity`. Default `reelwright`. */
  applicationName?: string;
  /** Most connections for queries. Default 10. */
  poolMax?: number;
  /** Most connections for blob streams; every stream holds one until its last byte. Default 10. */
  streamPoolMax?: number;
  /** How long to wait for a connection, new or given back by another user, in milliseconds. Default 10,000. */
  connectionTimeoutMs?: number;
  /** A query is cancelled after this many milliseconds; 0 for never. Streams have no limit. Default 60,000. */
  statementTimeoutMs?: number;
  /** A transaction that does nothing for this long is ended, so that a vanished process cannot keep locks. Default 60,000. */
  idleInTransactionTimeoutMs?: number;
  /** Told of trouble that no caller may see, first of all idle connections that break. Default: a process warning. */
  onConnectionError?: (error: Error) => void;
}

/**
 * What comes in bursts finds its connections again, with the statements that they have prepared: until a new one has
 * run two statements, either side has worked for 6 to 9 ms. Networks forget idle connections after 4 minutes or more.
 */
const IDLE_MS = 2 * 60_000;

/** The database as the process holds it: `knex` for rows, `pool` for COPY streams (see `borrowClient`). */
export interface Database {
  knex: Knex;
  pool: pg.Pool;
  /** Ends every connection; waits for those in use. May be called more than once. */
  close: () => Promise<void>;
}

/**
 * Opens the database at `url`; connects on first use. Values arrive as: `numeric` a number, `bigint` a number (a value
 * beyond 2^53 fails the query), `timestamptz` a Date (milliseconds, so never compare it for equality with a stored
 * value), `date` text as stored, `json` parsed.
 */
export function openDatabase(url: string, options: DatabaseOptions = {}): Database {
  const connectionTimeoutMs = options.connectionTimeoutMs ?? 10_000;
  const onConnectionError = options.onConnectionError ?? ((error: Error) => process.emitWarning(error));
  const onKnexMessage = (message: unknown): void => onConnectionError(new Error(`knex: ${String(message)}`));
  const connection = {
    connectionString: url,
    application_name: options.applicationName ?? 'reelwright',
    connectionTimeoutMillis: connectionTimeoutMs,
    keepAlive: true,
    types: TYPES,
  };
  const knex = createKnex({
    client: 'pg',
    connection: {
      ...connection,
      statement_timeout: options.statementTimeoutMs ?? 60_000,
      idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? 60_000,
    },
    pool: {
      min: 0,
      max: options.poolMax ?? 10,
      idleTimeoutMillis: IDLE_MS,
      afterCreate(created: pg.Client, done: (error: null, created: pg.Client) => void) {
        nameStatements(created);
        done(null, created);
      },
    },
    acquireConnectionTimeout: connectionTimeoutMs,
    // The messages of knex's errors begin with the statement: never with its values, prompts and keys among them.
    compileSqlOnError: false,
    log: { warn: onKnexMessage, error: onKnexMessage },
  });
  const pool = new pg.Pool({ ...connection, max: options.streamPoolMax ?? 10 });
  // Without a listener the loss of an idle connection would end the process.
  pool.on('error', onConnectionError);
  let closed: Promise<void> | undefined;
  return {
    knex,
    pool,
    close() {
      closed ??= Promise.all([knex.destroy(), pool.end()]).then(() => undefined);
      return closed;
    },
  };
}

const PARSERS = new Map<number, (text: string) => unknown>([
  [pg.types.builtins.INT8, parseBigint],
  [pg.types.builtins.NUMERIC, Number],
  // The driver would make it local midnight, which is another day elsewhere.
  [pg.types.builtins.DATE, (text) => text],
]);

const TYPES = {
  getTypeParser(oid: number, format?: string): (value: string) => unknown {
    const parser = format === 'binary' ? undefined : PARSERS.get(oid);
    return parser ?? pg.types.getTypeParser(oid, format as 'text');
  },
};

function parseBigint(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`expected a bigint within 2^53, which a number can hold exactly, got ${text}`);
  }
  return value;
}
