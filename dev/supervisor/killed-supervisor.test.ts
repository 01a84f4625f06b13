import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LockHeldError, takeLock } from './lock.js';
import { nodeArguments } from './node-command.js';
import { ProcessRecord } from './process-record.js';
import { isRunning } from './process-table.js';

interface Pids {
  node: number;
  loading: number;
  foreign: number;
  deaf: number;
}

const PATIENCE = { timeout: 20_000 };
let folder: string;
let supervisor: ChildProcess;
let pids: Pids;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'killed-'));
  const program = { root: import.meta.dirname, file: 'stand-in-main.ts', args: [folder], env: {} };
  supervisor = spawn(process.execPath, nodeArguments(program), { stdio: ['ignore', 'pipe', 'inherit'] });
  if (supervisor.stdout === null) throw new Error('Expected the output of the supervisor');
  const [line] = (await once(supervisor.stdout, 'data')) as [Buffer];
  pids = JSON.parse(line.toString()) as Pids;
});

afterEach(async () => {
  supervisor.kill('SIGKILL');
  await new ProcessRecord(join(folder, 'processes.json')).endLeftovers(0);
  rmSync(folder, { recursive: true });
});

async function killSupervisor(): Promise<void> {
  supervisor.kill('SIGKILL');
  await once(supervisor, 'exit');
}

test('a stop in order leaves neither processes nor a lock', async () => {
  supervisor.kill('SIGTERM');
  await once(supervisor, 'exit');
  expect(Object.values(pids).filter(isRunning)).toEqual([]);
  expect(existsSync(join(folder, 'supervisor.lock'))).toBe(false);
  expect(JSON.parse(readFileSync(join(folder, 'processes.json'), 'utf8'))).toEqual([]);
});

test('when the supervisor is killed its Node parts end by themselves, in order', async () => {
  await killSupervisor();
  await vi.waitFor(() => expect(isRunning(pids.node)).toBe(false), PATIENCE);
  expect(existsSync(join(folder, 'drained'))).toBe(true);
});

test('a Node part ends by itself even when the supervisor was killed while the part was loading', async () => {
  expect(isRunning(pids.loading)).toBe(true);
  await killSupervisor();
  await vi.waitFor(() => expect(isRunning(pids.loading)).toBe(false), PATIENCE);
});

test.runIf(process.platform === 'linux')(
  'when the supervisor is killed the kernel ends its foreign parts',
  async () => {
    await killSupervisor();
    await vi.waitFor(() => expect(isRunning(pids.foreign)).toBe(false), PATIENCE);
  },
);

test('what a killed supervisor leaves running is ended by the next start, and nobody else', async () => {
  await killSupervisor();
  await vi.waitFor(() => expect(isRunning(pids.node)).toBe(false), PATIENCE);
  expect(isRunning(pids.deaf)).toBe(true);
  const record = new ProcessRecord(join(folder, 'processes.json'));
  const bystander = spawn('sleep', ['1000']);
  try {
    const left = await record.endLeftovers(10_000);
    expect(left).toContain('deaf');
    expect(isRunning(pids.deaf)).toBe(false);
    expect(isRunning(bystander.pid ?? 0)).toBe(true);
  } finally {
    bystander.kill('SIGKILL');
  }
});

test('a process that got the number of a recorded one is left alone', async () => {
  const path = join(folder, 'processes.json');
  // The clock that tells processes of one number apart has ticks of 10 ms.
  await sleep(50);
  const bystander = spawn('sleep', ['1000']);
  await once(bystander, 'spawn');
  try {
    const record = new ProcessRecord(path);
    record.add('deaf', pids.deaf, 'SIGTERM');
    const text = readFileSync(path, 'utf8').replaceAll(String(pids.deaf), String(bystander.pid));
    writeFileSync(path, text);
    await new ProcessRecord(path).endLeftovers(0);
    expect(isRunning(bystander.pid ?? 0)).toBe(true);
  } finally {
    bystander.kill('SIGKILL');
    process.kill(pids.deaf, 'SIGKILL');
  }
});

test('a second supervisor of the folder is refused while the first runs, and let in once it was killed', async () => {
  const path = join(folder, 'supervisor.lock');
  const refusal = await takeLock(path).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(LockHeldError);
  expect(refusal).toMatchObject({ holder: { pid: supervisor.pid } });
  await killSupervisor();
  const unlock = await takeLock(path);
  expect(existsSync(path)).toBe(true);
  unlock();
  expect(existsSync(path)).toBe(false);
});
