import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findPostgresBinaries } from '../install/postgres-binaries.js';
import { findPostgresHome, type PostgresHome } from '../install/postgres-home.js';
import { choosePorts } from '../supervisor/ports.js';
import { ProcessRecord } from '../supervisor/process-record.js';
import { isRunning } from '../supervisor/process-table.js';
import { Supervisor } from '../supervisor/supervisor.js';
import { type PostgresPart, postgresPart } from './postgres.js';
import { endPostgresLeftovers } from './postgres-leftovers.js';

/** A test's cluster need not survive the machine, and writing it through takes seconds. */
const NO_SYNC = ['--no-sync'];
const PATIENCE = { timeout: 30_000, interval: 20 };
const isRoot = process.getuid?.() === 0;
let folder: string;
let home: PostgresHome;
let port: number;
let part: PostgresPart;
let supervisor: Supervisor;
const readyPids: number[] = [];

function superviseAnew(): Supervisor {
  return new Supervisor({
    logFolder: join(folder, 'logs'),
    record: new ProcessRecord(join(folder, 'processes.json')),
    stopOrder: [['postgres']],
    onReady: (_name, pid) => readyPids.push(pid),
    onEvent: () => undefined,
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postgres-part-'));
  chmodSync(folder, 0o755);
  home = await findPostgresHome({ folder: join(folder, 'postgres') });
  port = (await choosePorts(join(folder, 'ports.json'), ['postgres'])).postgres;
  part = await postgresPart(home, port, NO_SYNC);
  supervisor = superviseAnew();
  await supervisor.start(part.spec);
});

afterAll(async () => {
  await supervisor.stop();
  rmSync(folder, { recursive: true });
});

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: part.databaseUrl });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('what is committed is on disk: fsync and synchronous commit are on', async () => {
  const [row] = await query(`SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS sync,
    current_setting('listen_addresses') AS addresses, current_setting('unix_socket_directories') AS sockets`);
  expect(row).toEqual({ fsync: 'on', sync: 'on', addresses: '127.0.0.1', sockets: '' });
});

test('nobody gets in without the password, which only its owner may read', async () => {
  const file = join(home.folder, 'password');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(part.databaseUrl).toContain(readFileSync(file, 'utf8'));
  const url = new URL(part.databaseUrl);
  url.password = 'guessed';
  const client = new pg.Client({ connectionString: url.href });
  await expect(client.connect()).rejects.toThrow(/password authentication failed/);
});

test('after kill -9 of the server in the middle of a query it comes back on its port with its data', async () => {
  await query('CREATE TABLE kept AS SELECT 42 AS answer');
  const busy = new pg.Client({ connectionString: part.databaseUrl });
  busy.on('error', () => undefined);
  await busy.connect();
  const backend = Number((await busy.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid);
  // A query that computes does not look up when its server is gone, and holds the shared memory.
  const cut = expect(busy.query('SELECT count(*) FROM generate_series(1, 1000000000000)')).rejects.toThrow();
  await vi.waitFor(async () => {
    const rows = await query(`SELECT 1 FROM pg_stat_activity WHERE pid = ${backend} AND state = 'active'`);
    expect(rows).toHaveLength(1);
  }, PATIENCE);
  const before = readyPids.length;
  process.kill(readyPids.at(-1) ?? 0, 'SIGKILL');
  await vi.waitFor(() => expect(readyPids.length).toBe(before + 1), PATIENCE);
  await cut;
  expect(isRunning(backend)).toBe(false);
  expect(await query('SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
});

test('a server that nobody looks after any more is ended in order before the next one starts', async () => {
  const orphan = readyPids.at(-1) ?? 0;
  const found = await endPostgresLeftovers(join(home.folder, 'data'), home.account);
  expect(found).toBeGreaterThan(0);
  expect(isRunning(orphan)).toBe(false);
  await vi.waitFor(() => expect(readyPids.at(-1)).not.toBe(orphan), PATIENCE);
  await vi.waitFor(() => query('SELECT 1'), PATIENCE);
});

test('after a stop in order a new supervisor finds the same cluster with the same password', async () => {
  await supervisor.stop();
  const again = await postgresPart(home, port, NO_SYNC);
  expect(again.databaseUrl).toBe(part.databaseUrl);
  supervisor = superviseAnew();
  await supervisor.start(again.spec);
  expect(await query('SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
});

test('an initdb that was interrupted is begun anew', async () => {
  const other = { ...home, folder: join(folder, 'interrupted') };
  mkdirSync(join(other.folder, 'data.new'), { recursive: true });
  chmodSync(other.folder, 0o711);
  writeFileSync(join(other.folder, 'data.new/PG_VERSION'), '18\n');
  await postgresPart(other, port, NO_SYNC);
  expect(existsSync(join(other.folder, 'data/global/pg_control'))).toBe(true);
  expect(existsSync(join(other.folder, 'data.new'))).toBe(false);
});

test('a cluster of another Postgres version is refused with both versions', async () => {
  const other = { ...home, folder: join(folder, 'older') };
  mkdirSync(join(other.folder, 'data'), { recursive: true });
  writeFileSync(join(other.folder, 'data/PG_VERSION'), '14\n');
  await expect(postgresPart(other, port, NO_SYNC)).rejects.toThrow(/made by Postgres 14, and this is Postgres 18/);
});

test.runIf(isRoot)(
  'where the checkout is out of reach for its user, Postgres lives elsewhere and says so',
  async () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    const { native, version } = await findPostgresBinaries();
    cpSync(native, join(closed, 'native'), { recursive: true, verbatimSymlinks: true });
    const binaries = { native: join(closed, 'native'), version };
    const moved = await findPostgresHome({ folder: join(closed, 'postgres'), elsewhere: folder, binaries });
    expect(moved.notice).toContain(`its data and binaries in ${moved.folder}`);
    expect(moved.folder.startsWith(closed)).toBe(false);
    expect(moved.postgres.startsWith(moved.folder)).toBe(true);
    const ports = await choosePorts(join(folder, 'closed-ports.json'), ['postgres']);
    const own = await postgresPart(moved, ports.postgres, NO_SYNC);
    const other = superviseAnew();
    await other.start(own.spec);
    await other.stop();
    // Found again, not made again, even when the checkout can be reached by now.
    const again = { folder: join(closed, 'postgres'), elsewhere: folder };
    expect((await findPostgresHome(again)).folder).toBe(moved.folder);
    chmodSync(closed, 0o755);
    expect((await findPostgresHome(again)).folder).toBe(moved.folder);
  },
);

test.runIf(isRoot)(
  'data that its user cannot reach any more is an error, not a reason for an empty cluster',
  async () => {
    const closing = join(folder, 'closing');
    mkdirSync(join(closing, 'postgres/data'), { recursive: true });
    writeFileSync(join(closing, 'postgres/data/PG_VERSION'), '18\n');
    chmodSync(closing, 0o700);
    const looking = findPostgresHome({ folder: join(closing, 'postgres'), elsewhere: folder });
    await expect(looking).rejects.toThrow(/cannot reach it any more/);
  },
);
