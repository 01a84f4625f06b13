/** The commands of package.json as an operator starts them: compiled code, and nothing in the environment but what is given. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { vi } from 'vitest';
import type { ProductionBuild } from './production-build.js';

export interface Ended {
  /** Null after a signal that the process did not handle. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface ProductionProcess {
  /** Waits for a line of its log and gives what the pattern finds in it. */
  logged(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends SIGTERM and waits for the end. */
  stop(): Promise<Ended>;
  /** Ends it by force if it still runs. */
  kill(): void;
}

const LOG_LIMIT_MS = 60_000;

/** Runs `npm run <script>` to its end. */
export async function runScript(
  build: ProductionBuild,
  script: string,
  env: Record<string, string>,
  args: readonly string[] = [],
): Promise<Ended> {
  const { child, ended } = launch('npm', ['run', '--silent', script, '--', ...args], build, env);
  await once(child, 'close');
  return ended();
}

/** Starts `npm run <script>`. Signals go to npm, as from a supervisor that knows no other process. */
export function startScript(build: ProductionBuild, script: string, env: Record<string, string>): ProductionProcess {
  const { child, ended } = launch('npm', ['run', '--silent', script], build, env);
  return {
    async logged(pattern) {
      return await vi.waitFor(
        () => {
          const { code, stdout, stderr } = ended();
          const found = pattern.exec(stdout);
          if (found === null) throw new Error(`${script} (exit code ${code}) said:\n${stdout}${stderr}`);
          return found;
        },
        { timeout: LOG_LIMIT_MS, interval: 50 },
      );
    },
    async stop() {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      await closed;
      return ended();
    },
    kill() {
      child.kill('SIGKILL');
      // npm cannot pass this signal on; the process behind it names itself in each line of its log.
      const pid = Number(/"pid":(\d+)/.exec(ended().stdout)?.[1]);
      if (Number.isInteger(pid) && child.exitCode !== 0) killIfThere(pid);
    },
  };
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function launch(
  file: string,
  args: readonly string[],
  { folder }: ProductionBuild,
  env: Record<string, string>,
): { child: ChildProcess; ended: () => Ended } {
  const child = spawn(file, args, {
    cwd: folder,
    // HOME is for npm.
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  return { child, ended: () => ({ code: child.exitCode, stdout, stderr }) };
}
