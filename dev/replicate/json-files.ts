import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const UNFINISHED = '.unfinished';

/**
 * Writes `value` as JSON under `path`, whose folder must exist, by writing beside it and renaming: a reader, or a process started after a kill,
 * sees the old content or the new one. Synchronous, so that what has been answered is on disk and writes keep the
 * order of the changes.
 */
export function writeJsonFile(path: string, value: unknown): void {
  const unfinished = path + UNFINISHED;
  writeFileSync(unfinished, JSON.stringify(value), { mode: 0o600 });
  renameSync(unfinished, path);
}

/** The parsed file, or undefined where there is none. */
export function readJsonFile<T>(path: string): T | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new Error(`expected JSON in ${path}`, { cause });
  }
}

/** Every JSON file of a folder, which is created where missing; leftovers of a killed write are removed. */
export function readJsonFolder<T>(folder: string): T[] {
  mkdirSync(folder, { recursive: true });
  const values: T[] = [];
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (name.endsWith(UNFINISHED)) rmSync(path, { force: true });
    else if (name.endsWith('.json')) {
      const value = readJsonFile<T>(path);
      if (value !== undefined) values.push(value);
    }
  }
  return values;
}
