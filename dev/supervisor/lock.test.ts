import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LockHeldError, lockHolder, takeLock } from './lock.js';
import { nodeArguments } from './node-command.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
  path = join(folder, 'lock');
});

afterEach(() => rmSync(folder, { recursive: true }));

const DEAD = '{"pid":4194303,"startedAt":"another-boot:1"}';

test('the lock names its holder, refuses a second one, and is gone when given back', async () => {
  const unlock = await takeLock(path);
  expect(lockHolder(path)?.pid).toBe(process.pid);
  await expect(takeLock(path)).rejects.toThrow(LockHeldError);
  unlock();
  expect(lockHolder(path)).toBeUndefined();
  expect(readdirSync(folder)).toEqual([]);
});

test('the lock of a dead holder, and one that lost its text in a power failure, are taken over', async () => {
  for (const text of [DEAD, '', '{"pid":']) {
    writeFileSync(path, text);
    expect(lockHolder(path)).toBeUndefined();
    const unlock = await takeLock(path);
    expect(lockHolder(path)?.pid).toBe(process.pid);
    unlock();
  }
});

test('a live process with the number of the dead holder does not hold its lock', async () => {
  writeFileSync(path, `{"pid":${process.ppid},"startedAt":"another-boot:1"}`);
  const unlock = await takeLock(path);
  unlock();
});

test('of several processes that find the same dead holder exactly one gets the lock', async () => {
  const program = { root: import.meta.dirname, file: 'stand-in-contender.ts', args: [path], env: {} };
  const [, ...imports] = nodeArguments(program).slice(0, -2);
  const execArgv = ['--import', ...imports];
  const contenders = Array.from({ length: 4 }, () =>
    fork(join(program.root, program.file), program.args, { execArgv, stdio: 'inherit' }),
  );
  await Promise.all(contenders.map((child) => once(child, 'message')));
  for (let round = 0; round < 25; round++) {
    writeFileSync(path, DEAD.replace(':1"', `:${round}"`));
    const answers = contenders.map(async (child) => ((await once(child, 'message')) as [string])[0]);
    for (const child of contenders) child.send('take');
    const outcomes = await Promise.all(answers);
    expect(outcomes.toSorted()).toEqual(['held', 'held', 'held', 'taken']);
    const released = contenders.map(async (child) => ((await once(child, 'message')) as [string])[0]);
    for (const child of contenders) child.send('give back');
    await Promise.all(released);
    expect(existsSync(path)).toBe(false);
  }
  for (const child of contenders) child.disconnect();
});
