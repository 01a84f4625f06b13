import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What a worker runs; the api, the local provider and the tests are not part of it. */
const SOURCES = [
  'domain',
  'workflows',
  'activities',
  'storage',
  'replicate',
  'media',
  'web',
  'worker',
  'config',
  'telemetry',
  'migrations',
];
const SOURCE_FILE = /\.(ts|js|json)$/;

/**
 * Names this build of the workers: a hash of their sources and the lock file, so that it is the same over restarts and
 * another one after any change. `root` holds the folders; in production it is the compiled `dist`.
 */
export async function buildId(root: string = ROOT): Promise<string> {
  const files = (await Promise.all(SOURCES.map((folder) => sourceFiles(join(root, folder))))).flat().sort();
  const hash = createHash('sha256');
  for (const file of [...files, await lockFile(root)]) {
    hash.update(`${relative(root, file).split(sep).join('/')}\0`);
    hash.update(await readFile(file));
    hash.update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

/** The source files of a folder and those below it, without tests. Throws ENOENT where there is none. */
export async function sourceFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && SOURCE_FILE.test(entry.name) && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The lock file lies beside the sources, and one level above the compiled ones. */
async function lockFile(root: string): Promise<string> {
  const beside = join(root, 'package-lock.json');
  try {
    await readFile(beside);
    return beside;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return join(root, '..', 'package-lock.json');
  }
}
