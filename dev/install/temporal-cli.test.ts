import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Progress } from '../progress.js';
import { isRunning } from '../supervisor/process-table.js';
import { cachedTemporalCli, ensureTemporalCli, type TemporalCliOptions } from './temporal-cli.js';

const SHELL_TOOLS = '/usr/bin:/bin';
const FIT = 'temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)';
let folder: string;
let bin: string;
let said: string[];
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'temporal-cli-'));
  bin = join(folder, 'bin');
  mkdirSync(bin);
  said = [];
  env = { PATH: `${bin}:${SHELL_TOOLS}`, XDG_CACHE_HOME: join(folder, 'cache') };
});

afterEach(() => rmSync(folder, { recursive: true }));

function script(path: string, body: string): string {
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** A CLI that says its version, and nothing else. */
function cli(path: string, version: string): string {
  return script(path, `echo '${version}'`);
}

/** A go that says its version and builds a fit CLI. */
function go(version: string): void {
  const build = `for a in "$@"; do case $a in -o=*) out=\${a#-o=};; esac; done; printf '#!/bin/sh\\necho "${FIT}"\\n' > "$out"; chmod 755 "$out"`;
  script(join(bin, 'go'), `if [ "$1" = env ]; then echo ${version}; else ${build}; echo go >> ${folder}/journal; fi`);
}

/** A download that does what the shell commands say; \`$1\` is its folder. */
function download(commands: string): NonNullable<TemporalCliOptions['downloadCommand']> {
  const file = script(join(folder, 'download'), `echo download >> ${folder}/journal; ${commands}`);
  return (target) => ({ file, args: [target], cwd: folder });
}

function find(overrides: Partial<TemporalCliOptions> = {}): ReturnType<typeof ensureTemporalCli> {
  const progress = (): Progress => ({ update: (text) => said.push(text), done: (text) => said.push(text) });
  return ensureTemporalCli({ root: folder, env, progress, downloadSilenceMs: 300, ...overrides });
}

/** Delivers a CLI of that version the way the SDK does: under another name first. The child itself goes on. */
function delivers(version: string): string {
  const part = '$1/temporal-v1.5.1.downloading';
  const write = `printf '#!/bin/sh\\necho "${version}"\\n' > ${part}; chmod 755 ${part}`;
  return `echo downloading; ${write}; mv ${part} $1/temporal-v1.5.1; sleep 100`;
}

const SUCCEEDS = delivers(FIT);
const FAILS = `echo downloading; echo 'Error: no such host' >&2; exit 1`;

test('the variable comes before everything else', async () => {
  const given = cli(join(folder, 'given'), FIT);
  cli(join(bin, 'temporal'), FIT);
  expect(await find({ env: { ...env, TEMPORAL_CLI_PATH: given } })).toEqual({
    path: given,
    source: 'TEMPORAL_CLI_PATH',
  });
});

test('a variable that names something else is an error, not a reason to look elsewhere', async () => {
  cli(join(bin, 'temporal'), FIT);
  const given = cli(join(folder, 'given'), 'tar 1.2');
  const looking = find({ env: { ...env, TEMPORAL_CLI_PATH: given } });
  await expect(looking).rejects.toThrow(/TEMPORAL_CLI_PATH cannot be used: .*not the Temporal CLI/);
});

test('the one on the PATH comes before the cached one', async () => {
  const path = cli(join(bin, 'temporal'), FIT);
  mkdirSync(join(folder, 'cache/reelwright'), { recursive: true });
  cli(cachedTemporalCli(env), FIT);
  expect(await find()).toEqual({ path, source: 'PATH' });
});

test('one on the PATH whose server is too old is passed over for the cached one', async () => {
  cli(join(bin, 'temporal'), 'temporal version 1.1.0 (Server 1.25.0, UI 2.30.0)');
  mkdirSync(join(folder, 'cache/reelwright'), { recursive: true });
  const path = cli(cachedTemporalCli(env), FIT);
  expect(await find()).toEqual({ path, source: 'cache' });
  expect(said).toEqual([]);
});

test('a download lands in the cache, is used from there the next time, and its child is gone', async () => {
  const downloadCommand = download(`echo $$ > ${folder}/child; ${SUCCEEDS}`);
  const path = cachedTemporalCli(env);
  expect(await find({ downloadCommand })).toEqual({ path, source: 'download' });
  expect(await find({ downloadCommand: download('exit 9') })).toEqual({ path, source: 'cache' });
  expect(isRunning(Number(readFileSync(join(folder, 'child'), 'utf8')))).toBe(false);
  expect(readdirSync(join(folder, 'cache/reelwright'))).toHaveLength(1);
  expect(said.at(-1)).toBe('downloaded');
});

test('where the download fails, the CLI is built with Go and kept', async () => {
  go('go1.25.3');
  const path = cachedTemporalCli(env);
  expect(await find({ downloadCommand: download(FAILS) })).toEqual({ path, source: 'build' });
  expect(await find({ downloadCommand: download('exit 9') })).toEqual({ path, source: 'cache' });
  expect(said.at(-1)).toBe('built');
});

test('a download without a byte is given up, with everything that it started', async () => {
  go('go1.26.0');
  const downloadCommand = download(`echo downloading; sleep 1000 & echo $! > ${folder}/helper; wait`);
  expect((await find({ downloadCommand })).source).toBe('build');
  expect(isRunning(Number(readFileSync(join(folder, 'helper'), 'utf8')))).toBe(false);
});

test('a download goes on for as long as bytes come', async () => {
  const slowly = `for i in 1 2 3 4 5 6 7 8; do printf '#' >> $1/temporal-v1.5.1.downloading; sleep 0.1; done`;
  const downloadCommand = download(`echo downloading; ${slowly}; rm $1/*; ${SUCCEEDS}`);
  expect((await find({ downloadCommand })).source).toBe('download');
});

test('a downloaded file that is not the CLI is not kept', async () => {
  const downloadCommand = download(delivers('none'));
  await expect(find({ downloadCommand })).rejects.toThrow(/download: .* is not the Temporal CLI/);
  expect(existsSync(cachedTemporalCli(env))).toBe(false);
});

test('without any way the message names all that was tried, the Go that is needed, and the one that is there', async () => {
  go('go1.22.4');
  cli(join(bin, 'temporal'), 'temporal version 0.9 (Server 1.20.0, UI 1.0)');
  const failure = (await find({ downloadCommand: download(FAILS) }).catch((error: unknown) => error)) as Error;
  expect(failure.name).toBe('NotInstalledError');
  expect(failure.message).toContain('PATH: ');
  expect(failure.message).toContain('download: Error: no such host');
  expect(failure.message).toContain('build: Go 1.25 or later is needed to build the Temporal CLI; this is go1.22.4');
  expect(readdirSync(join(folder, 'cache/reelwright'))).toEqual([]);
});

test('two checkouts that get it at the same time both get a whole one', async () => {
  go('go1.25.0');
  const downloadCommand = download(FAILS);
  const found = await Promise.all([find({ downloadCommand }), find({ downloadCommand })]);
  expect(found.map(({ path }) => path)).toEqual([cachedTemporalCli(env), cachedTemporalCli(env)]);
  expect(await find()).toEqual({ path: cachedTemporalCli(env), source: 'cache' });
  expect(readdirSync(join(folder, 'cache/reelwright'))).toHaveLength(1);
});
