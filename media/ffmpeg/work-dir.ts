import { lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { classifyDiskError } from './disk-room.js';
import { identifyProcess, isAlive, type ProcessIdentity } from './process-identity.js';

/** Tells our folders from others in the same root, and names the process that made one. */
const NAME = /^reelwright-[a-z0-9-]+\.(?<pid>\d+)-(?<startMark>\d+)\.[A-Za-z0-9]{6}$/;

/**
 * Makes a folder below `root` that only this user can enter, gives it to `work`, and removes it with all that is in it
 * when `work` ends, fails or is aborted. `prefix` is for people: lower-case letters, digits and dashes. Throws what `work`
 * throws, as NO_DISK_SPACE where the file system was full.
 */
export async function withWorkDir<T>(root: string, prefix: string, work: (dir: string) => Promise<T>): Promise<T> {
  if (!/^[a-z0-9-]+$/.test(prefix)) {
    throw new RangeError(
      `a prefix of lower-case letters, digits and dashes was expected, got ${JSON.stringify(prefix)}`,
    );
  }
  const owner = await identifyProcess(process.pid);
  if (owner === undefined) throw new Error(`process ${process.pid} was expected to find itself among the running ones`);
  await mkdir(root, { recursive: true });
  const dir = await mkdtemp(join(root, `reelwright-${prefix}.${owner.pid}-${owner.startMark}.`));
  let result: T;
  try {
    result = await work(dir);
  } catch (cause) {
    const error = classifyDiskError(cause);
    await remove(dir).catch((cleanUpError: unknown) => {
      throw new AggregateError([error, cleanUpError], `the work failed, and so did removing ${dir}`);
    });
    throw error;
  }
  await remove(dir);
  return result;
}

export interface StaleOptions {
  /** Whether the process that made a folder still runs; by default it is looked up on this machine. */
  ownerIsAlive?: ((owner: ProcessIdentity) => Promise<boolean>) | undefined;
}

/**
 * Removes the folders that `withWorkDir` left below `root` because their process was killed, and returns their paths. To
 * be called at every start. The root must not be shared with another machine or container, whose processes look dead.
 */
export async function removeStaleWorkDirs(root: string, options: StaleOptions = {}): Promise<string[]> {
  const ownerIsAlive = options.ownerIsAlive ?? isAlive;
  const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const removed: string[] = [];
  for (const name of names) {
    const { pid, startMark } = NAME.exec(name)?.groups ?? {};
    if (pid === undefined || startMark === undefined) continue;
    const dir = join(root, name);
    if (!(await isOwnFolder(dir)) || (await ownerIsAlive({ pid: Number(pid), startMark }))) continue;
    await remove(dir);
    removed.push(dir);
  }
  return removed;
}

/** In a shared temporary folder another user may make a name like ours; that is not ours to remove. */
async function isOwnFolder(path: string): Promise<boolean> {
  const seen = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return seen?.isDirectory() === true && seen.uid === process.getuid?.();
}

/** Retried, since a tool that outlived its killed worker may still write into the folder while it is emptied. */
async function remove(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 });
}
