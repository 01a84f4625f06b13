/** How a program that is not ours is run, so that it ends with its supervisor where the system can see to that. */
import { spawnSync } from 'node:child_process';
import type { PartCommand } from './part.js';

export interface ForeignProgram {
  file: string;
  args: readonly string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  user?: { uid: number; gid: number } | undefined;
  /** The signal it gets when the supervisor is gone. */
  deathSignal: 'INT' | 'TERM';
}

let cachedSetpriv: boolean | undefined;

/**
 * Linux tells a process of its parent's death through `setpriv --pdeathsig`, which becomes the program itself, so the
 * process number stays. Where it is missing, what is left is ended by the next start.
 */
export function foreignPart(program: ForeignProgram): PartCommand {
  cachedSetpriv ??= process.platform === 'linux' && knowsDeathSignal();
  const { deathSignal, ...command } = program;
  return cachedSetpriv
    ? {
        ...command,
        file: 'setpriv',
        args: ['--pdeathsig', deathSignal, '--', program.file, ...program.args],
        ipc: false,
      }
    : { ...command, ipc: false };
}

/** The setpriv of BusyBox, for one, lacks the option. */
function knowsDeathSignal(): boolean {
  return spawnSync('setpriv', ['--pdeathsig', 'INT', '--', 'true'], { stdio: 'ignore' }).status === 0;
}
