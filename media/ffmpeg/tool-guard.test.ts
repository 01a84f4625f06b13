import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { makeScript, mediaFolder, readPid } from '../test-support/media-files.js';
import { identifyProcess } from './process-identity.js';
import { runTool } from './run-tool.js';
import { guardPid } from './tool-guard.js';

const folder = mediaFolder();
const PATIENCE = { timeout: 10_000 };
const parents: ChildProcess[] = [];
const strangers: number[] = [];
let tools = 0;

afterEach(() => {
  for (const parent of parents.splice(0)) parent.kill('SIGKILL');
  for (const pid of strangers.splice(0)) process.kill(pid, 'SIGKILL');
});

/** A process with a group of its own that runs the script as its tool. */
async function parentOf(args: string[], ...lines: string[]): Promise<ChildProcess> {
  const tool = await makeScript(folder.path(`tool-${(tools += 1)}`), ...lines);
  const file = fileURLToPath(new URL('../test-support/run-tool-child.ts', import.meta.url));
  const parent = fork(file, [tool, ...args], { execArgv: ['--import', 'tsx'], detached: true });
  parents.push(parent);
  return parent;
}

async function said(parent: ChildProcess): Promise<{ what: string; guard: number }> {
  const [message] = await Promise.race([
    once(parent, 'message'),
    once(parent, 'exit').then(([code]) => Promise.reject(new Error(`the process ended with ${code}`))),
  ]);
  return message as { what: string; guard: number };
}

const untilGone = (pid: number) =>
  vi.waitFor(async () => expect(await identifyProcess(pid), `process ${pid}`).toBeUndefined(), PATIENCE);

describe('when a process is killed while its tool runs', () => {
  it.each([
    { whom: 'the process alone', sign: 1 },
    { whom: 'its whole process group', sign: -1 },
  ])('the tool and what it started are killed ($whom)', async ({ sign }) => {
    const [leader, child] = [folder.path('leader.pid'), folder.path('child.pid')];
    const stubborn = 'trap "" TERM; echo $$ > "$0"; echo ready; exec sleep 60';
    const parent = await parentOf([leader, child], 'echo $$ > "$1"', `sh -c '${stubborn}' "$2" &`, 'wait');
    const { guard } = await said(parent);
    process.kill(sign * (parent.pid ?? 0), 'SIGKILL');
    for (const pid of [await readPid(leader), await readPid(child), guard]) await untilGone(pid);
  });

  it('nothing is killed of a tool that had ended before', async () => {
    const file = folder.path('stranger.pid');
    // In the group of the tool, whose id may belong to another by now.
    const parent = await parentOf([file], 'sh -c \'echo $$ > "$0"; exec sleep 60\' "$1" > /dev/null 2>&1 &');
    const { what, guard } = await said(parent);
    expect(what).toBe('ended');
    const pid = await vi.waitFor(() => readPid(file), PATIENCE);
    strangers.push(pid);
    parent.kill('SIGKILL');
    await untilGone(guard);
    expect(await identifyProcess(pid)).toBeDefined();
  });
});

describe('the guard', () => {
  it('is one process for all tools, and is replaced when it was killed', async () => {
    const tool = await makeScript(folder.path('short'), 'exit 0');
    await Promise.all([runTool(tool, []), runTool(tool, [])]);
    const first = guardPid() ?? 0;
    await runTool(tool, []);
    expect(guardPid()).toBe(first);
    const warned = once(process, 'warning');
    process.kill(first, 'SIGKILL');
    expect(String((await warned)[0])).toContain('the guard that ends tools with this process is gone');
    await runTool(tool, []);
    expect(guardPid()).not.toBe(first);
    expect(await identifyProcess(guardPid() ?? 0)).toBeDefined();
  });
});
