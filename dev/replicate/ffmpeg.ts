import { spawn } from 'node:child_process';

const STDERR_KEPT = 4_000;

/**
 * Runs a program without a shell to its end and returns what it wrote to stdout. When the signal aborts, the program is
 * killed, and the signal's reason is thrown once it has gone; any other end than exit code 0 throws with its last words.
 */
export function runProgram(path: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-STDERR_KEPT);
    });
    const kill = () => child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    child.once('error', (cause) => {
      signal.removeEventListener('abort', kill);
      reject(new Error(`could not run ${path}`, { cause }));
    });
    child.once('close', (code, killedBy) => {
      signal.removeEventListener('abort', kill);
      if (signal.aborted) reject(signal.reason as Error);
      else if (code === 0) resolve(stdout);
      else reject(new Error(`expected ${path} to exit with 0, it ended with ${code ?? killedBy}: ${stderr.trim()}`));
    });
  });
}
