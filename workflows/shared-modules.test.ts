import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** What the bundle loads once for all workflows of a worker. */
const FOLDERS = ['workflows', 'domain'];
const root = join(import.meta.dirname, '..');
const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => join(folder, file)),
);

/** At the top of a module: a variable, or something that can be filled and is not said to be read only. */
function stateOf(source: string): string[] {
  return source
    .split('\n')
    .filter(
      (line) =>
        /^(export )?(let|var) /.test(line) ||
        (/^(export )?const .*= new (Map|Set|WeakMap|WeakSet|Array)\b/.test(line) &&
          !/: Readonly(Map|Set)</.test(line)) ||
        (/^(export )?const [^=]*= (\[\]|\{\})/.test(line) && !/: readonly |: Readonly</.test(line)) ||
        /^  static (?!readonly )/.test(line),
    );
}

describe('modules that all workflows of a worker share', () => {
  it.each(files)('%s keeps nothing between them', (file) => {
    expect(stateOf(readFileSync(join(root, file), 'utf8'))).toEqual([]);
  });

  it.each([
    'let last = 0;',
    'export let last;',
    'const seen = new Set<string>();',
    'const byJob: Map<string, number> = new Map();',
    'const jobs: string[] = [];',
    'const cache = {};',
    '  static count = 0;',
  ])('would be found out with %s', (line) => {
    expect(stateOf(`import x from 'y';\n${line}\n`)).toEqual([line]);
  });
});
