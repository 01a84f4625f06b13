import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'install-'));
  writeFileSync(join(folder, 'package-lock.json'), '{"lockfileVersion": 3}');
  npm('rm -rf node_modules; mkdir node_modules');
});

afterEach(() => rmSync(folder, { recursive: true }));

/** An npm that notes its calls and does what the shell commands say. */
function npm(commands: string): void {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\necho "$*" >> ${folder}/calls\n${commands}\n`);
  chmodSync(join(bin, 'npm'), 0o755);
}

function install(nodeVersion = process.versions.node): { code: number | null; output: string } {
  const script = join(import.meta.dirname, 'install-packages.mjs');
  const env = { PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` };
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, folder, nodeVersion], {
    env,
    encoding: 'utf8',
  });
  return { code: status, output: stdout + stderr };
}

function calls(): string[] {
  const path = join(folder, 'calls');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

test('packages are installed once, and again only when the lock file changes or they are gone', () => {
  expect(install().code).toBe(0);
  expect(install()).toEqual({ code: 0, output: '' });
  expect(calls()).toEqual(['ci --no-audit --no-fund']);
  writeFileSync(join(folder, 'package-lock.json'), '{"lockfileVersion": 3, "packages": {}}');
  expect(install().code).toBe(0);
  expect(calls()).toHaveLength(2);
  rmSync(join(folder, 'node_modules'), { recursive: true });
  expect(install().code).toBe(0);
  expect(calls()).toHaveLength(3);
});

test('an installation that failed is tried again the next time', () => {
  npm('mkdir -p node_modules; exit 7');
  expect(install()).toMatchObject({ code: 1, output: expect.stringContaining('npm ci failed with code 7') as string });
  expect(install().code).toBe(1);
  expect(calls()).toHaveLength(2);
});

test('a Node that is too old is refused in one line, before anything is installed', () => {
  for (const version of ['18.20.8', '20.18.3']) {
    const { code, output } = install(version);
    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`^Node 20\\.19 or later is needed; this is ${version} .*\n$`));
  }
  expect(calls()).toEqual([]);
  expect(install('20.19.0').code).toBe(0);
  expect(install('22.0.0').code).toBe(0);
});
