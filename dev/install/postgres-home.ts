/** Decides where the embedded Postgres lives, so that the account it runs as can reach its data and its binaries. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Account, postgresAccount } from './account.js';
import { NotInstalledError } from './not-installed.js';
import { binary, copyBinaries, findPostgresBinaries, type PostgresBinaries } from './postgres-binaries.js';
import { runProgram } from './run-program.js';

export interface PostgresHome {
  /** Holds the data and the password; every user may pass through it, none but ours may read it. */
  folder: string;
  initdb: string;
  postgres: string;
  account: Account | undefined;
  /** Words for the person at the terminal when it is not where one would look for it. */
  notice: string | undefined;
}

export interface PostgresHomeOptions {
  /** The preferred place. */
  folder: string;
  /** Where another place is made when the preferred one is out of reach: a folder that survives a reboot. */
  elsewhere?: string;
  /** The npm package's own when absent. */
  binaries?: PostgresBinaries;
}

/** The other place, which belongs to this preferred one alone. */
export function postgresFolderElsewhere({ folder, elsewhere = '/var/tmp' }: PostgresHomeOptions): string {
  return join(elsewhere, `reelwright-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`);
}

/** @throws NotInstalledError when the server cannot be run from anywhere, or cannot reach the data that it once had */
export async function findPostgresHome(options: PostgresHomeOptions): Promise<PostgresHome> {
  const [binaries, account] = await Promise.all([options.binaries ?? findPostgresBinaries(), postgresAccount()]);
  await mkdir(options.folder, { recursive: true });
  await chmod(options.folder, 0o711);
  const folder = await chooseFolder(options, account);
  let own = programs(binaries.native);
  if (account !== undefined && (await whyItDoesNotRun(own.postgres, account)) !== undefined) {
    const elsewhere = postgresFolderElsewhere(options);
    await makeOwnFolder(elsewhere);
    own = programs(await copyBinaries(binaries, elsewhere));
  }
  const why = await whyItDoesNotRun(own.postgres, account);
  if (why !== undefined) {
    throw new NotInstalledError(
      `The embedded Postgres does not run here: ${why}\nSet DATABASE_URL to use another one.`,
    );
  }
  const moved = [
    ...(folder === options.folder ? [] : ['data']),
    ...(own.postgres === binary(binaries.native, 'postgres') ? [] : ['binaries']),
  ];
  const notice =
    moved.length === 0
      ? undefined
      : `User ${account?.name} cannot reach this checkout: Postgres keeps its ${moved.join(' and ')} in ${postgresFolderElsewhere(options)}`;
  return { folder, ...own, account, notice };
}

/** Data that is there already stays where it is: a new cluster beside it would look as if everything were lost. */
async function chooseFolder(options: PostgresHomeOptions, account: Account | undefined): Promise<string> {
  const { folder } = options;
  if (account === undefined) return folder;
  const elsewhere = postgresFolderElsewhere(options);
  const isReachable = await canEnter(folder, account);
  if (hasCluster(folder)) {
    if (isReachable) return folder;
    throw new NotInstalledError(
      `${folder} holds the data of Postgres, and user ${account.name} cannot reach it any more. ` +
        'Let that user pass through the folders above it, or move the data, or set DATABASE_URL.',
    );
  }
  if (isReachable && !hasCluster(elsewhere)) return folder;
  await makeOwnFolder(elsewhere);
  return elsewhere;
}

function hasCluster(folder: string): boolean {
  return existsSync(join(folder, 'data/PG_VERSION'));
}

function programs(native: string): { initdb: string; postgres: string } {
  return { initdb: binary(native, 'initdb'), postgres: binary(native, 'postgres') };
}

/** Asked by the account itself: mode bits do not tell of access lists and mounts. */
async function canEnter(folder: string, account: Account): Promise<boolean> {
  const { code } = await runProgram('/bin/sh', ['-c', 'cd -- "$0"', folder], { user: account, cwd: '/' });
  return code === 0;
}

async function whyItDoesNotRun(postgres: string, account: Account | undefined): Promise<string | undefined> {
  const { code, tail } = await runProgram(postgres, ['--version'], { user: account, cwd: '/' });
  return code === 0 ? undefined : tail || `code ${code}`;
}

/** The place is open to everybody: a folder that somebody else prepared under this name must not be used. */
async function makeOwnFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const stats = await lstat(folder);
  if (!stats.isDirectory() || stats.uid !== process.getuid?.()) {
    throw new NotInstalledError(`Expected ${folder} to be a folder of ours; it belongs to somebody else. Remove it.`);
  }
  await chmod(folder, 0o711);
}
