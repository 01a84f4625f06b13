/** Server processes of a data directory that nobody looks after any more. */
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from '../install/account.js';
import { runProgram } from '../install/run-program.js';
import { isRunning, sendSignal } from '../supervisor/process-table.js';
import { becomesTrue } from '../supervisor/wait.js';

export interface LeftoverLimits {
  /** How long a postmaster may take for a fast shutdown, in milliseconds. */
  shutdownMs: number;
  /** How long a backend may take to end at once, in milliseconds. */
  quitMs: number;
}

/**
 * Ends every server process of the data directory: a postmaster by a fast shutdown, backends without one at once.
 * A backend that goes on alone holds the shared memory block, and a new server refuses to start beside it.
 * @returns how many processes were found
 */
export async function endPostgresLeftovers(
  data: string,
  account: Account | undefined,
  limits: LeftoverLimits = { shutdownMs: 10_000, quitMs: 5_000 },
): Promise<number> {
  const found = await serverProcesses(data, account);
  const postmaster = await postmasterOf(data, found);
  if (postmaster !== undefined) {
    sendSignal(postmaster, 'SIGINT');
    await becomesTrue(() => !isRunning(postmaster), { limitMs: limits.shutdownMs, everyMs: 10 });
  }
  // Immediate first, so that a backend can leave its shared memory; by force only when it does not listen.
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    const left = found.filter(isRunning);
    for (const pid of left) sendSignal(pid, signal);
    const ended = await becomesTrue(() => !left.some(isRunning), { limitMs: limits.quitMs, everyMs: 5 });
    if (ended) break;
  }
  return found.length;
}

/**
 * Every process of a server works in its data directory. Backends lead sessions of their own, so no process group finds
 * them. Asked as the server's own account: in a container root itself may not look into other users' processes.
 */
async function serverProcesses(data: string, account: Account | undefined): Promise<number[]> {
  const folder = await realpath(data).catch(() => undefined);
  if (folder === undefined) return [];
  const { output } = await runProgram('/bin/sh', ['-c', 'ls -ld /proc/[0-9]*/cwd'], { user: account, cwd: '/' });
  const pids: number[] = [];
  for (const line of output.split('\n')) {
    const match = /\/proc\/(\d+)\/cwd -> (.*)$/.exec(line);
    if (match?.[2] === folder) pids.push(Number(match[1]));
  }
  if (pids.length > 0 || process.platform === 'linux') return pids;
  const pid = await recordedPostmaster(data);
  if (pid === undefined) return [];
  const command = await runProgram('ps', ['-o', 'command=', '-p', String(pid)]);
  return command.output.includes(data) ? [pid] : [];
}

async function postmasterOf(data: string, processes: readonly number[]): Promise<number | undefined> {
  const pid = await recordedPostmaster(data);
  return pid !== undefined && processes.includes(pid) ? pid : undefined;
}

/** Line 1 of `postmaster.pid`; the file of a dead server stays behind, so the number alone proves nothing. */
async function recordedPostmaster(data: string): Promise<number | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => undefined);
  const pid = Number(text?.split('\n')[0]);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}
