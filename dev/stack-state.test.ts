import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readState, removeState, type StackState, writeState } from './stack-state.js';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-'));
  file = join(folder, 'state.json');
});

afterEach(() => rmSync(folder, { recursive: true }));

function stateWith(api: number): StackState {
  return {
    apiUrl: 'http://127.0.0.1:20000',
    apiKey: 'k'.repeat(40_000),
    databaseUrl: 'postgres://127.0.0.1:20001/reelwright',
    temporalAddress: '127.0.0.1:20002',
    temporalNamespace: 'default',
    metrics: { api: 'http://127.0.0.1:20003', worker: 'http://127.0.0.1:20004', mediaWorker: 'http://127.0.0.1:20005' },
    pids: { api },
  };
}

test('the state file is readable for its owner only, whatever was there before', () => {
  writeFileSync(file, '{}', { mode: 0o644 });
  writeState(file, stateWith(1));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readState(file)).toEqual(stateWith(1));
  expect(readdirSync(folder)).toEqual(['state.json']);
});

test('a reader in another process never sees half a state while it is rewritten', async () => {
  writeState(file, stateWith(0));
  const script = `
    const { readFileSync } = require('node:fs');
    const seen = new Set();
    process.on('SIGTERM', () => { console.log(seen.size); process.exit(0); });
    console.log('reading');
    (function again() {
      for (let i = 0; i < 50; i++) seen.add(JSON.parse(readFileSync(${JSON.stringify(file)}, 'utf8')).pids.api);
      setImmediate(again);
    })();`;
  const reader = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  reader.stdout.on('data', (text: Buffer) => (output += text.toString()));
  reader.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  await once(reader.stdout, 'data');
  for (let api = 1; api <= 300; api++) writeState(file, stateWith(api));
  reader.kill('SIGTERM');
  const [code] = (await once(reader, 'close')) as [number | null];
  expect(errors).toBe('');
  expect(code).toBe(0);
  expect(Number(output.trim().split('\n').at(-1))).toBeGreaterThan(1);
});

test('a state that was removed is not there, and removing it again is no error', () => {
  writeState(file, stateWith(1));
  removeState(file);
  removeState(file);
  expect(readState(file)).toBeUndefined();
});

test('a file that is not a state is refused with its name', () => {
  writeFileSync(file, '{"apiUrl": "http');
  expect(() => readState(file)).toThrow(file);
});
