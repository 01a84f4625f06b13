/** What the operating system knows of a process. Linux is read from /proc, everything else from `ps`. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** A process that cannot be mistaken for a later one that got the same number. */
export interface ProcessIdentity {
  pid: number;
  /** Opaque: equal for as long as the process lives, never equal for another one of that number, also after a reboot. */
  startedAt: string;
}

const HAS_PROC = existsSync('/proc/self/stat');

interface ProcessRow {
  state: string;
  startedAt: string;
}

/** The identity of a running process, or undefined where none runs under that number (a zombie does not run). */
export function identify(pid: number): ProcessIdentity | undefined {
  const row = HAS_PROC ? rowFromProc(pid) : rowFromPs(pid);
  return row === undefined || row.state.startsWith('Z') || row.state.startsWith('X')
    ? undefined
    : { pid, startedAt: row.startedAt };
}

/** True while a process runs under that number. A zombie is dead: `kill(pid, 0)` would succeed on it. */
export function isRunning(pid: number): boolean {
  return identify(pid) !== undefined;
}

/** True while the very process that was identified runs. */
export function isStillRunning(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

/**
 * Sends a signal to a process, or to a whole group where `pid` is negative.
 * @returns false where nothing is there to receive it
 * @throws where the system refuses, with the system's error
 */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

function rowFromProc(pid: number): ProcessRow | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field is the program's name in brackets and may hold spaces and brackets itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTicks = fields[19];
  if (state === undefined || startTicks === undefined) return undefined;
  return { state, startedAt: `${bootId()}:${startTicks}` };
}

let cachedBootId: string | undefined;
function bootId(): string {
  cachedBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return cachedBootId;
}

function rowFromPs(pid: number): ProcessRow | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    const gap = line.indexOf(' ');
    return gap < 0 ? undefined : { state: line.slice(0, gap), startedAt: line.slice(gap).trim() };
  } catch {
    return undefined;
  }
}
