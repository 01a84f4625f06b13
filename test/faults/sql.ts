/** The harness's own way into the stack's database; it outlives the death of the server. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const AGAIN_MS = 100;
const GIVE_UP_AFTER_MS = 60_000;
/** SQLSTATE classes of a server that is going, coming or gone. */
const SERVER_AWAY = /^(57P|08)/;

export interface Sql {
  /** Asked again while the server is away, so only for what may be repeated. */
  query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** A connection of its own, whose loss is no failure. */
  connect(): Promise<pg.Client>;
  close(): Promise<void>;
}

export function openSql(databaseUrl: string): Sql {
  const pool = new pg.Pool({ connectionString: databaseUrl, application_name: 'faults', max: 4 });
  // The server is killed here on purpose; whoever needs a connection then is told by its query.
  pool.on('error', () => undefined);
  return {
    async query<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) {
      for (const end = performance.now() + GIVE_UP_AFTER_MS; ; await sleep(AGAIN_MS)) {
        try {
          return (await pool.query<Row>(text, [...values])).rows;
        } catch (error) {
          if (performance.now() > end || !isServerAway(error)) throw error;
        }
      }
    },
    async connect() {
      const client = new pg.Client({ connectionString: databaseUrl, application_name: 'faults' });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    },
    close: () => pool.end(),
  };
}

function isServerAway(error: unknown): boolean {
  const { code, message } = error as { code?: string; message: string };
  if (code === undefined) return /Connection terminated|connection timeout/i.test(message);
  return SERVER_AWAY.test(code) || ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code);
}
