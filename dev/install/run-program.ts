/** Short-lived programs: their output, their end, and a limit on their silence. */
import { spawn } from 'node:child_process';

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  user?: { uid: number; gid: number } | undefined;
  signal?: AbortSignal | undefined;
  /** Text for the program's standard input; it sees an empty one when absent. */
  input?: string;
  /** Called with every piece of output as it comes. */
  onOutput?: (text: string) => void;
}

export interface RunResult {
  /** 0 is success; null when a signal ended the program or it could not be started at all. */
  code: number | null;
  /** Standard output. */
  output: string;
  /** The last 8,000 characters of standard output and error together, or why the program could not be started. */
  tail: string;
}

/**
 * Runs a program to its end. A program that fails or is missing is an answer, not an exception.
 * @throws the signal's reason when it is aborted; the program has been killed then
 */
export async function runProgram(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...options.user,
  });
  let output = '';
  let tail = '';
  const note = (text: string): void => {
    tail = (tail + text).slice(-8_000);
    options.onOutput?.(text);
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    note(text);
  });
  child.stderr.setEncoding('utf8').on('data', note);
  child.stdin.on('error', () => undefined).end(options.input ?? ''); // a program may end without reading
  const kill = (): void => void child.kill('SIGKILL');
  options.signal?.addEventListener('abort', kill, { once: true });
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      note(error.message);
      resolve(null);
    });
    child.once('close', (exitCode) => resolve(exitCode));
  });
  options.signal?.removeEventListener('abort', kill);
  options.signal?.throwIfAborted();
  return { code, output, tail: tail.trim() };
}
