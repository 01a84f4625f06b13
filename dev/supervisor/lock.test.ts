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

/** So many that two processes without the right to take over were seen to meet in every run of this test. */
const ROUNDS = 200;
/** Until then both processes have got the message. */
const SPIN_MS = 3;

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

test('of two processes that find the same dead holder at the same moment exactly one gets the lock', async () => {
  const program = { root: import.meta.dirname, file: 'stand-in-contender.ts', args: [path], env: {} };
  const execArgv = nodeArguments(program).slice(0, -2);
  const contenders = [1, 2].map(() =>
    fork(join(program.root, program.file), program.args, { execArgv, stdio: 'inherit' }),
  );
  const answers = (): Promise<unknown[]> =>
    Promise.all(contenders.map(async (child) => ((await once(child, 'message')) as unknown[])[0]));
  const tell = (message: number | string): void => {
    for (const child of contenders) child.send(message);
  };
  try {
    await answers();
    for (let round = 0; round < ROUNDS; round++) {
      writeFileSync(path, DEAD.replace(':1"', `:${round}"`));
      const outcomes = answers();
      tell(performance.timeOrigin + performance.now() + SPIN_MS);
      expect((await outcomes).toSorted()).toEqual(['held', 'taken']);
      const givenBack = answers();
      tell('give back');
      await givenBack;
      expect(existsSync(path)).toBe(false);
    }
  } finally {
    for (const child of contenders) child.kill('SIGKILL');
  }
});
