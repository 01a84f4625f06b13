/** The embedded Postgres: a durable cluster of its own on 127.0.0.1, behind a generated password. */
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import type { PostgresHome } from '../install/postgres-home.js';
import { runProgram } from '../install/run-program.js';
import { foreignPart } from '../supervisor/foreign-command.js';
import { readText, writePrivateText } from '../supervisor/json-file.js';
import type { PartSpec } from '../supervisor/part.js';
import { endPostgresLeftovers } from './postgres-leftovers.js';

const USER = 'reelwright';
const DATABASE = 'reelwright';
const INVALID_CATALOG_NAME = '3D000';

export interface PostgresPart {
  spec: PartSpec;
  databaseUrl: string;
}

/**
 * Makes the cluster where there is none yet, and says how to run its server.
 * @param initFlags more arguments for initdb; the new files are on disk when it ends unless they say otherwise
 */
export async function postgresPart(
  home: PostgresHome,
  port: number,
  initFlags: readonly string[] = [],
): Promise<PostgresPart> {
  const data = join(home.folder, 'data');
  const password = await ensureCluster(home, data, initFlags);
  const urlOf = (database: string): string => `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`;
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    // Two checkouts would meet in the socket's folder.
    unix_socket_directories: '',
    // What is paid for must survive a power failure on a developer's machine too.
    fsync: 'on',
    synchronous_commit: 'on',
    // A failing statement's text may hold what its caller keeps secret.
    log_min_error_statement: 'panic',
  };
  const spec: PartSpec = {
    name: 'postgres',
    command: foreignPart({
      file: home.postgres,
      args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      cwd: home.folder,
      env: serverEnvironment(),
      user: home.account,
      deathSignal: 'INT',
    }),
    cleanUp: async () => void (await endPostgresLeftovers(data, home.account)),
    isReady: () => acceptsQueries(urlOf),
    readyLimitMs: 60_000,
    stopSignal: 'SIGINT',
    stopLimitMs: 10_000,
  };
  return { spec, databaseUrl: urlOf(DATABASE) };
}

/** @returns the superuser's password */
async function ensureCluster(home: PostgresHome, data: string, initFlags: readonly string[]): Promise<string> {
  const passwordFile = join(home.folder, 'password');
  const major = (await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => undefined))?.trim();
  if (major === undefined) return makeCluster(home, data, passwordFile, initFlags);
  const version = (await runProgram(home.postgres, ['--version'], { user: home.account, cwd: '/' })).output;
  const serverMajor = /(\d+)/.exec(version)?.[1];
  if (major !== serverMajor) {
    throw new Error(
      `${data} was made by Postgres ${major}, and this is Postgres ${serverMajor}. Move it away, or set DATABASE_URL.`,
    );
  }
  const password = readText(passwordFile);
  if (password === undefined)
    throw new Error(`Expected the password of ${data} in ${passwordFile}: there is no such file`);
  return password;
}

async function makeCluster(
  home: PostgresHome,
  data: string,
  passwordFile: string,
  initFlags: readonly string[],
): Promise<string> {
  const password = randomBytes(24).toString('hex');
  // A cluster counts as made once it has its final name: an interrupted initdb is begun anew.
  const temporary = join(home.folder, 'data.new');
  const given = join(home.folder, 'password.new');
  await rm(temporary, { recursive: true, force: true });
  await rm(given, { force: true });
  await writeFile(given, password, { mode: 0o600 });
  if (home.account !== undefined) await chown(given, home.account.uid, home.account.gid);
  await makeEmptyFolder(temporary, home);
  const authentication = ['--auth=scram-sha-256', `--pwfile=${given}`, `--username=${USER}`];
  const { code, tail } = await runProgram(
    home.initdb,
    ['-D', temporary, ...authentication, '--encoding=UTF8', '--locale=C', ...initFlags],
    { user: home.account, cwd: dirname(temporary), env: serverEnvironment() },
  );
  await rm(given, { force: true });
  if (code !== 0) throw new Error(`initdb failed: ${tail}`);
  writePrivateText(passwordFile, password);
  await rename(temporary, data);
  return password;
}

/** Its parent belongs to us: the account could not make it there itself. */
async function makeEmptyFolder(folder: string, home: PostgresHome): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  if (home.account !== undefined) await chown(folder, home.account.uid, home.account.gid);
}

/** Nothing of ours: PGDATA, PGPORT and the like would change the server, and secrets are none of its business. */
function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
}

async function acceptsQueries(urlOf: (database: string) => string): Promise<boolean> {
  const answer = await query(urlOf(DATABASE), 'SELECT 1');
  if (answer === INVALID_CATALOG_NAME) await query(urlOf('postgres'), `CREATE DATABASE ${DATABASE}`);
  return answer === undefined;
}

/** @returns undefined on success, else the error's code */
async function query(url: string, sql: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000, query_timeout: 5_000 });
  client.on('error', () => undefined); // a connection that ends under us is an answer that the query gives too
  try {
    await client.connect();
    await client.query(sql);
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'no connection';
  } finally {
    await client.end().catch(() => undefined);
  }
}
