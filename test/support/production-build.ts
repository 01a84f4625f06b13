/** The compiled product in a folder of its own, with the packages that production has. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

export interface ProductionBuild {
  /** Holds package.json, the lock file, dist and node_modules. */
  folder: string;
  remove(): Promise<void>;
}

/**
 * Runs `npm run build` on a copy of the sources, then moves the result to where only the production dependencies can be
 * imported: code that needs a development dependency does not start there.
 * @param patch changes the copy before it is built, as a later version of the product would
 */
export async function buildForProduction(
  patch: (sources: string) => Promise<void> = async () => undefined,
): Promise<ProductionBuild> {
  const folder = await mkdtemp(join(tmpdir(), 'reelwright-test-production-'));
  const sources = join(folder, 'sources');
  await mkdir(sources);
  const { include } = JSON.parse(await readFile(join(ROOT, 'tsconfig.build.json'), 'utf8')) as { include: string[] };
  const files = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
  for (const name of [...files, ...include]) await cp(join(ROOT, name), join(sources, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(sources, 'node_modules'));
  await patch(sources);
  await run('npm', ['run', 'build'], { cwd: sources });

  for (const name of ['package.json', 'package-lock.json', 'dist'])
    await rename(join(sources, name), join(folder, name));
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { dependencies: object };
  for (const name of Object.keys(manifest.dependencies)) {
    const link = join(folder, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), link);
  }
  await rm(sources, { recursive: true });
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
