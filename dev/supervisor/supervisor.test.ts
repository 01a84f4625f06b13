import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PartStartError, StoppedError } from './part.js';
import { isRunning } from './process-table.js';
import { StandInFolder } from './stand-in.js';

let stage: StandInFolder;

beforeEach(() => {
  stage = new StandInFolder();
});

afterEach(() => stage.remove());

/** More than any restart delay of these tests, so that a restart that must not come would have come. */
const LONG_ENOUGH_FOR_A_RESTART_MS = 400;

function pidOf(supervisor: { pids(): Record<string, number> }, name: string): number {
  const pid = supervisor.pids()[name];
  if (pid === undefined) throw new Error(`${name} has no process`);
  return pid;
}

test('a started part is ready, and its process is the working one', async () => {
  const supervisor = stage.supervisor([['api']]);
  await supervisor.start(stage.spec('api', 'polite'));
  const pid = pidOf(supervisor, 'api');
  expect(isRunning(pid)).toBe(true);
  expect(stage.journal()).toEqual([`started api ${pid}`]);
  expect(stage.ready).toEqual([{ name: 'api', pid }]);
});

test('a part that is killed by SIGKILL is started again, and only that part', async () => {
  const supervisor = stage.supervisor([['api'], ['worker']]);
  await Promise.all([supervisor.start(stage.spec('api', 'polite')), supervisor.start(stage.spec('worker', 'polite'))]);
  const before = supervisor.pids();
  process.kill(pidOf(supervisor, 'api'), 'SIGKILL');
  await vi.waitFor(() => expect(stage.ready).toHaveLength(3), { timeout: 20_000 });
  const after = supervisor.pids();
  expect(after['worker']).toBe(before['worker']);
  expect(after['api']).not.toBe(before['api']);
  expect(stage.ready.at(-1)).toEqual({ name: 'api', pid: after['api'] });
  expect(isRunning(pidOf(supervisor, 'api'))).toBe(true);
});

test('a part is started again after every one of several deaths', async () => {
  const supervisor = stage.supervisor([['api']]);
  await supervisor.start(stage.spec('api', 'polite'));
  for (let deaths = 1; deaths <= 3; deaths++) {
    process.kill(pidOf(supervisor, 'api'), 'SIGKILL');
    await vi.waitFor(() => expect(stage.ready).toHaveLength(deaths + 1), { timeout: 20_000 });
  }
  expect(stage.count('started', 'api')).toBe(4);
});

test('what a killed part had started itself ends with it', async () => {
  const supervisor = stage.supervisor([['media']]);
  await supervisor.start(stage.spec('media', 'with-helper'));
  const helper = Number(/helper:(\d+)/.exec(stage.journal().join('\n'))?.[1]);
  expect(isRunning(helper)).toBe(true);
  process.kill(pidOf(supervisor, 'media'), 'SIGKILL');
  await vi.waitFor(() => expect(isRunning(helper)).toBe(false), { timeout: 20_000 });
});

test('the parts are stopped in the given order, those of one group together', async () => {
  const order = [['api'], ['worker', 'mediaWorker'], ['postgres']];
  const supervisor = stage.supervisor(order);
  await Promise.all(order.flat().map((name) => supervisor.start(stage.spec(name, 'polite'))));
  await supervisor.stop();
  const stopped = stage.journal().flatMap((line) => (line.startsWith('stopped ') ? [line.split(' ')[1]] : []));
  expect(stopped[0]).toBe('api');
  expect(stopped.slice(1, 3).toSorted()).toEqual(['mediaWorker', 'worker']);
  expect(stopped[3]).toBe('postgres');
  expect(supervisor.pids()).toEqual({});
});

test('a later part runs on until the earlier one has ended', async () => {
  const supervisor = stage.supervisor([['worker'], ['postgres']]);
  await supervisor.start(stage.spec('postgres', 'polite'));
  await supervisor.start(stage.spec('worker', 'stubborn'));
  const [postgres, worker] = [pidOf(supervisor, 'postgres'), pidOf(supervisor, 'worker')];
  const stopped = supervisor.stop();
  await vi.waitFor(() => expect(stage.count('ignored', 'worker')).toBe(1), { timeout: 20_000 });
  expect(isRunning(postgres)).toBe(true);
  process.kill(worker, 'SIGKILL');
  await stopped;
  expect(isRunning(postgres)).toBe(false);
});

test('nothing is started again during a stop, even when a part is killed in the middle of it', async () => {
  const supervisor = stage.supervisor([['worker'], ['postgres']]);
  await supervisor.start(stage.spec('postgres', 'polite'));
  await supervisor.start(stage.spec('worker', 'stubborn'));
  const [postgres, worker] = [pidOf(supervisor, 'postgres'), pidOf(supervisor, 'worker')];
  const stopped = supervisor.stop();
  process.kill(worker, 'SIGKILL');
  process.kill(postgres, 'SIGKILL');
  await stopped;
  await sleep(LONG_ENOUGH_FOR_A_RESTART_MS);
  expect(stage.count('started', 'worker')).toBe(1);
  expect(stage.count('started', 'postgres')).toBe(1);
  expect(supervisor.pids()).toEqual({});
});

test('a part that was waiting for its restart is not started once a stop has begun', async () => {
  const supervisor = stage.supervisor([['api']], { firstRestartDelayMs: 200 });
  await supervisor.start(stage.spec('api', 'polite'));
  process.kill(pidOf(supervisor, 'api'), 'SIGKILL');
  await vi.waitFor(() => expect(stage.events).toHaveLength(1), { timeout: 20_000 });
  await supervisor.stop();
  await sleep(LONG_ENOUGH_FOR_A_RESTART_MS);
  expect(stage.count('started', 'api')).toBe(1);
});

test('a part that hangs in its stop is killed after its limit, and what it leaves is cleaned up', async () => {
  let cleanUps = 0;
  const supervisor = stage.supervisor([['worker']]);
  const cleanUp = (): Promise<void> => {
    cleanUps += 1;
    return Promise.resolve();
  };
  await supervisor.start(stage.spec('worker', 'stubborn', { stopLimitMs: 50, cleanUp }));
  const pid = pidOf(supervisor, 'worker');
  expect(cleanUps).toBe(1);
  await supervisor.stop();
  expect(isRunning(pid)).toBe(false);
  expect(stage.events).toEqual(['worker did not end within 50 ms and is killed']);
  expect(cleanUps).toBe(2);
});

test('a stop during a start gives the start up and leaves nothing running', async () => {
  const supervisor = stage.supervisor([['api']]);
  const starting = supervisor.start(stage.spec('api', 'polite', { isReady: () => Promise.resolve(false) }));
  const failed = expect(starting).rejects.toThrow(StoppedError);
  await vi.waitFor(() => expect(stage.count('started', 'api')).toBe(1), { timeout: 20_000 });
  const pid = pidOf(supervisor, 'api');
  await supervisor.stop();
  await failed;
  expect(isRunning(pid)).toBe(false);
  await expect(supervisor.start(stage.spec('late', 'polite'))).rejects.toThrow(StoppedError);
});

test('killing everything at once ends even a part that ignores its signal', async () => {
  const supervisor = stage.supervisor([['worker'], ['postgres']]);
  await Promise.all([
    supervisor.start(stage.spec('worker', 'stubborn')),
    supervisor.start(stage.spec('postgres', 'polite')),
  ]);
  const pids = Object.values(supervisor.pids());
  const stopped = supervisor.stop();
  supervisor.kill();
  await stopped;
  expect(pids.filter(isRunning)).toEqual([]);
});

test('a part that crashes at its start fails the start after its attempts, named, with its words in the log', async () => {
  const supervisor = stage.supervisor([['api']]);
  const failure = await supervisor.start(stage.spec('api', 'crashing')).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(PartStartError);
  expect(failure).toMatchObject({ part: 'api', message: 'api ended with code 3 before it was ready' });
  expect(stage.count('started', 'api')).toBe(2);
  expect(readFileSync(join(stage.folder, 'logs/api.log'), 'utf8')).toBe('nothing works\nnothing works\n');
  expect(statSync(join(stage.folder, 'logs/api.log')).mode & 0o777).toBe(0o600);
});

test('a part that never becomes ready fails the start, and its process is ended', async () => {
  const supervisor = stage.supervisor([['api']], { startAttempts: 1 });
  const spec = stage.spec('api', 'stubborn', { isReady: () => Promise.resolve(false), readyLimitMs: 300 });
  await expect(supervisor.start(spec)).rejects.toThrow('api was not ready within 300 ms');
  expect(supervisor.pids()).toEqual({});
});

test('a program that is not there fails the start with its name', async () => {
  const supervisor = stage.supervisor([['api']], { startAttempts: 1 });
  const command = { ...stage.command('api', 'polite'), file: join(stage.folder, 'missing') };
  await expect(supervisor.start(stage.spec('api', 'polite', { command }))).rejects.toThrow(
    /api could not be started.*missing/,
  );
});

test('a part that does not come back at once is tried again until it does', async () => {
  let starts = 0;
  const cleanUp = (): Promise<void> => {
    starts += 1;
    return starts === 2 || starts === 3 ? Promise.reject(new Error('the port is taken')) : Promise.resolve();
  };
  const supervisor = stage.supervisor([['api']]);
  await supervisor.start(stage.spec('api', 'polite', { cleanUp }));
  process.kill(pidOf(supervisor, 'api'), 'SIGKILL');
  await vi.waitFor(() => expect(stage.ready).toHaveLength(2), { timeout: 20_000 });
  expect(stage.events.filter((event) => event.includes('the port is taken'))).toHaveLength(2);
});
