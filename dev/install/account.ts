/** The account that Postgres runs as, since it refuses to run as root. */
import { NotInstalledError } from './not-installed.js';
import { runProgram } from './run-program.js';

export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/**
 * `postgres` as root, made where it is missing, or `nobody` where it cannot be made.
 * @returns undefined when this process is not root: everything runs as its own user then
 */
export async function postgresAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const existing = await lookUp('postgres');
  if (existing !== undefined) return existing;
  const shell = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin'];
  const made = await runProgram('useradd', [...shell, 'postgres']);
  const account = (await lookUp('postgres')) ?? (await lookUp('nobody'));
  if (account !== undefined) return account;
  throw new NotInstalledError(
    `Postgres does not run as root. Expected a user named postgres or nobody, found neither, and useradd said: ${made.tail}`,
  );
}

async function lookUp(name: string): Promise<Account | undefined> {
  const [uid, gid] = await Promise.all([runProgram('id', ['-u', name]), runProgram('id', ['-g', name])]);
  if (uid.code !== 0 || gid.code !== 0) return undefined;
  return { name, uid: Number(uid.output), gid: Number(gid.output) };
}
