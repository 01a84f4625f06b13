import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A process that cannot be mistaken for a later one with the same id. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, as digits; comparable only with others of the same machine. */
  startMark: string;
}

/** The identity of the running process `pid`, or undefined when there is none or only its zombie. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const startMark = process.platform === 'linux' ? await linuxStart(pid) : await psStart(pid);
  return startMark === undefined ? undefined : { pid, startMark };
}

/** True while that very process runs. */
export async function isAlive(owner: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(owner.pid))?.startMark === owner.startMark;
}

/** Fields 3 (state) and 22 (start in clock ticks since boot) of proc(5); field 2 is in brackets and may hold anything. */
async function linuxStart(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return undefined;
    throw error;
  });
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

async function psStart(pid: number): Promise<string | undefined> {
  const args = ['-o', 'stat=,lstart=', '-p', String(pid)];
  const { stdout } = await promisify(execFile)('ps', args, { env: { ...process.env, LC_ALL: 'C' } }).catch(
    (error: { code?: unknown; stdout: string }) => {
      // ps leaves with 1 when there is no such process.
      if (error.code === 1) return { stdout: '' };
      throw error;
    },
  );
  const [state, ...start] = stdout.trim().split(/\s+/);
  return !state || state.startsWith('Z') ? undefined : String(Date.parse(start.join(' ')));
}
