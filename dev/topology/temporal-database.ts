/** Temporal's own role, databases and tables in a Postgres, as docker-compose.yml makes them. */
import pg from 'pg';
import { runProgram } from '../install/run-program.js';

const DUPLICATE_OBJECT = '42710';
const DUPLICATE_DATABASE = '42P04';
/** Each database and the schema in the tool's own files that it gets. */
const SCHEMAS = { temporal: 'temporal', temporal_visibility: 'visibility' } as const;

export interface TemporalDatabaseOptions {
  sqlTool: string;
  /** Of a superuser. */
  adminUrl: string;
  /** Of the role `temporal`. */
  password: string;
  signal?: AbortSignal | undefined;
}

/** Makes what is missing and brings the tables to the tool's version; harmless to repeat. Throws what the tool says. */
export async function prepareTemporalDatabase(options: TemporalDatabaseOptions): Promise<void> {
  const { adminUrl, password, sqlTool, signal } = options;
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const literal = client.escapeLiteral(password);
    await unlessThere(DUPLICATE_OBJECT, () => client.query('CREATE ROLE temporal LOGIN'));
    await client.query(`ALTER ROLE temporal PASSWORD ${literal}`);
    for (const database of Object.keys(SCHEMAS)) {
      await unlessThere(DUPLICATE_DATABASE, () => client.query(`CREATE DATABASE ${database} OWNER temporal`));
    }
  } finally {
    await client.end();
  }
  const { hostname, port } = new URL(adminUrl);
  const env = {
    PATH: process.env['PATH'],
    SQL_PLUGIN: 'postgres12',
    SQL_HOST: hostname,
    SQL_PORT: port,
    SQL_USER: 'temporal',
    SQL_PASSWORD: password,
  };
  for (const [database, schema] of Object.entries(SCHEMAS)) {
    const steps = [
      // Makes the tables of versions where they are missing, and lowers no version.
      ['setup-schema', '--version', '0.0'],
      ['update-schema', '--schema-name', `postgresql/v12/${schema}`],
    ];
    for (const step of steps) {
      const { code, tail } = await runProgram(sqlTool, ['--database', database, ...step], { env, signal, cwd: '/' });
      if (code !== 0) throw new Error(`temporal-sql-tool ${step[0]} of ${database} failed:\n${tail.slice(-1_500)}`);
    }
  }
}

async function unlessThere(code: string, make: () => Promise<unknown>): Promise<void> {
  try {
    await make();
  } catch (error) {
    if ((error as { code?: unknown }).code !== code) throw error;
  }
}
