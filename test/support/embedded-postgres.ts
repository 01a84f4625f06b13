import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPostgresHome, type PostgresHome } from '../../dev/install/postgres-home.js';
import { runProgram } from '../../dev/install/run-program.js';
import { foreignPart } from '../../dev/supervisor/foreign-command.js';
import { choosePorts } from '../../dev/supervisor/ports.js';

export interface EmbeddedPostgresOptions {
  /** False loses data when the machine stops, which a test does not mind. Default false. */
  durable?: boolean;
  /** How long the server may take to accept connections, in milliseconds. Default 30,000. */
  startTimeoutMs?: number;
  /** How long a fast shutdown may take before it is an immediate one, in milliseconds. Default 10,000. */
  stopTimeoutMs?: number;
}

export interface EmbeddedPostgres {
  /** Of its `postgres` database, as superuser. */
  url: string;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

/** Nothing of ours: PGDATA, PGPORT and the like would change the server. */
const SERVER_ENVIRONMENT = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };

/** Starts a Postgres with an empty cluster in a temporary folder, for one run of tests or benches. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'reelwright-postgres-'));
  const home = await findPostgresHome({ folder });
  const removeAll = async (): Promise<void> => {
    for (const path of new Set([folder, home.folder])) await rm(path, { recursive: true, force: true });
  };
  try {
    const password = randomBytes(16).toString('hex');
    const data = await makeCluster(home, password);
    const { postgres: port } = await choosePorts(join(home.folder, 'ports.json'), ['postgres']);
    const child = startServer(home, serverArguments(data, port, options.durable ?? false));
    await acceptingConnections(child, options.startTimeoutMs ?? 30_000);
    return {
      url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
      async stop() {
        await endServer(child, options.stopTimeoutMs ?? 10_000);
        await removeAll();
      },
    };
  } catch (error) {
    await removeAll();
    throw error;
  }
}

async function makeCluster(home: PostgresHome, password: string): Promise<string> {
  // The account cannot make a folder beside it, so it gets one to work in.
  const work = await mkdtemp(join(home.folder, 'cluster-'));
  const passwordFile = join(work, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (home.account !== undefined) {
    for (const path of [work, passwordFile]) await chown(path, home.account.uid, home.account.gid);
  }
  const data = join(work, 'data');
  const authentication = ['--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--username=postgres'];
  const { code, tail } = await runProgram(
    home.initdb,
    ['-D', data, ...authentication, '--encoding=UTF8', '--locale=C', '--no-sync'],
    { user: home.account, cwd: work, env: SERVER_ENVIRONMENT },
  );
  if (code !== 0) throw new Error(`initdb of the test Postgres failed: ${tail}`);
  return data;
}

function serverArguments(data: string, port: number, durable: boolean): string[] {
  const settings = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=', 'max_connections=200'];
  if (!durable) settings.push('fsync=off', 'synchronous_commit=off', 'full_page_writes=off');
  return ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
}

function startServer(home: PostgresHome, args: string[]): ChildProcess {
  const command = foreignPart({
    file: home.postgres,
    args,
    cwd: home.folder,
    env: SERVER_ENVIRONMENT,
    user: home.account,
    deathSignal: 'INT',
  });
  const { cwd, env, user } = command;
  return spawn(command.file, command.args, { cwd, env, ...user, stdio: ['ignore', 'ignore', 'pipe'] });
}

async function acceptingConnections(child: ChildProcess, timeoutMs: number): Promise<void> {
  let log = '';
  await new Promise<void>((ready, failed) => {
    const fail = (reason: string): void => failed(new Error(`the test Postgres ${reason}; its log: ${log.trim()}`));
    const timer = setTimeout(() => {
      child.kill('SIGQUIT');
      fail(`accepted no connection within ${timeoutMs} ms`);
    }, timeoutMs);
    child.once('error', (error) => fail(`could not be started (${error.message})`));
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      fail(`ended while starting (${signal ?? code})`);
    });
    child.stderr?.on('data', (text: Buffer) => {
      log = (log + text.toString()).slice(-4_000);
      if (!log.includes('ready to accept connections')) return;
      clearTimeout(timer);
      ready();
    });
  });
}

async function endServer(child: ChildProcess, timeoutMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  const timer = setTimeout(() => child.kill('SIGQUIT'), timeoutMs);
  await ended;
  clearTimeout(timer);
}
