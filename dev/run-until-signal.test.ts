import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { nodeArguments } from './supervisor/node-command.js';

const HOURS = 3_600_000;
const started: ChildProcess[] = [];

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** A process whose stop takes `stopMs`, and the words that it has said so far. */
async function start(stopMs: number, sameWishMs: number): Promise<{ child: ChildProcess; words: () => string[] }> {
  const args = [String(stopMs), String(sameWishMs)];
  const program = { root: import.meta.dirname, file: 'stand-in-signals.ts', args, env: {} };
  const child = spawn(process.execPath, nodeArguments(program), { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  let output = '';
  child.stdout?.on('data', (text: Buffer) => (output += text.toString()));
  await vi.waitFor(() => expect(output).toContain('running'), { timeout: 20_000 });
  const words = (): string[] => output.split('\n').filter((line) => /^(stop|aborted|kill)$/.test(line));
  return { child, words };
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} stops in order and ends with 0`, async () => {
    const { child, words } = await start(1, HOURS);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(words()).toEqual(['aborted', 'stop']);
  });
}

test('a signal that arrives twice at once, as through make and its group, does not end the parts by force', async () => {
  const { child, words } = await start(300, HOURS);
  child.kill('SIGINT');
  child.kill('SIGTERM');
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(words()).toEqual(['aborted', 'stop']);
});

test('a second signal later on ends the parts at once', async () => {
  const { child, words } = await start(HOURS, 0);
  child.kill('SIGINT');
  await vi.waitFor(() => expect(words()).toContain('stop'), { timeout: 20_000 });
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(words()).toEqual(['aborted', 'stop', 'kill']);
});
