/** `make clean`: removes what was made in this checkout, but nothing under a stack that runs. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { postgresFolderElsewhere } from './install/postgres-home.js';
import { lockHolder } from './supervisor/lock.js';

const root = join(import.meta.dirname, '..');
const folder = join(root, '.dev');
/** Of `make dev` and of `make topology`. */
const stacks = [folder, join(folder, 'topology')];
const [holder] = stacks.flatMap((stack) => lockHolder(join(stack, 'supervisor.lock')) ?? []);
if (holder === undefined) {
  const elsewhere = stacks.map((stack) => postgresFolderElsewhere({ folder: join(stack, 'postgres') }));
  for (const path of [folder, ...elsewhere, join(root, 'out'), join(root, 'dist')]) {
    rmSync(path, { recursive: true, force: true });
  }
} else {
  console.error(`The stack of this checkout runs (process ${holder.pid}): stop it first.`);
  process.exitCode = 1;
}
