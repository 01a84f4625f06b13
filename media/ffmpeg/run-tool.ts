import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { ReelwrightError } from '../../domain/errors.js';
import { toolRunSeconds } from '../../telemetry/metrics.js';
import { inSpan } from '../../telemetry/spans.js';
import { diskError, exitError, timeLimitError } from './tool-errors.js';
import { guardGroup } from './tool-guard.js';

/** How a run may be ended from outside. All durations are milliseconds. */
export interface RunLimits {
  /** Aborting it ends the tool and everything it started. */
  signal?: AbortSignal | undefined;
  /** The run is ended and fails with FFMPEG_FAILED after this long. Without it there is no limit. */
  timeLimitMs?: number | undefined;
  /** How long after SIGTERM the tool may take to leave by itself before it gets SIGKILL. */
  killGraceMs?: number | undefined;
}

export interface ToolRun extends RunLimits {
  /** Gets the standard output as it comes, which is then not collected. Throwing ends the run with that error. */
  onStdout?: ((text: string) => void) | undefined;
}

export interface ToolOutput {
  /** The standard output, empty where `onStdout` took it. */
  stdout: string;
  /** The last 2,048 characters of what the tool said. */
  stderrTail: string;
}

const DEFAULT_KILL_GRACE_MS = 5_000;
const STDERR_TAIL_CHARACTERS = 2_048;
/** What ffprobe says of a sane file takes some kilobytes; without a bound a crafted one could fill the memory. */
const MAX_STDOUT_CHARACTERS = 4 * 1024 * 1024;

/** The tools read media that strangers made, so they get nothing of our environment but what they need to start. */
const ENVIRONMENT_KEPT = ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'FONTCONFIG_FILE'];

/**
 * Runs ffmpeg or ffprobe to its end, in a process group of its own, which is killed when this process dies before it.
 *
 * Rejects only after the process is gone:
 * - with the signal's reason when `signal` was aborted;
 * - with NO_DISK_SPACE when it found no room for what it writes, whatever its exit code;
 * - with FFMPEG_FAILED when the tool could not be started, ran past `timeLimitMs`, was ended by a signal, or left with
 *   another exit code than 0. `details` has `exitCode` or `signal`, and `stderr`, the end of what the tool said.
 */
export async function runTool(path: string, args: readonly string[], run: ToolRun = {}): Promise<ToolOutput> {
  const tool = basename(path);
  return await inSpan(tool, {}, async () => {
    const started = performance.now();
    const end = (outcome: 'completed' | 'failed' | 'cancelled'): void =>
      toolRunSeconds.observe({ tool, outcome }, (performance.now() - started) / 1000);
    try {
      const output = await runToEnd(tool, path, args, run);
      end('completed');
      return output;
    } catch (error) {
      end(run.signal?.aborted === true ? 'cancelled' : 'failed');
      throw error;
    }
  });
}

async function runToEnd(tool: string, path: string, args: readonly string[], run: ToolRun): Promise<ToolOutput> {
  run.signal?.throwIfAborted();
  const child = spawn(path, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: toolEnvironment() });
  const release = child.pid === undefined ? undefined : guardGroup(child.pid);

  let stopped = undefined as { reason: unknown } | undefined;
  let graceTimer: NodeJS.Timeout | undefined;
  const stop = (reason: unknown) => {
    if (stopped !== undefined) return;
    stopped = { reason };
    if (hasExited(child)) return endByForce(child);
    signalGroup(child, 'SIGTERM');
    graceTimer = setTimeout(() => endByForce(child), run.killGraceMs ?? DEFAULT_KILL_GRACE_MS);
  };

  const output: ToolOutput = { stdout: '', stderrTail: '' };
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderrTail = (output.stderrTail + text).slice(-STDERR_TAIL_CHARACTERS);
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (stopped !== undefined) return;
    try {
      if (run.onStdout === undefined) output.stdout = appendBounded(output.stdout, text, tool);
      else run.onStdout(text);
    } catch (error) {
      stop(error);
    }
  });
  child.once('exit', () => {
    if (stopped !== undefined) endByForce(child);
    // Not later: the id may soon be another's.
    release?.();
  });

  const onAbort = () => stop(run.signal?.reason);
  run.signal?.addEventListener('abort', onAbort, { once: true });
  const timeLimitMs = run.timeLimitMs;
  const limitTimer =
    timeLimitMs === undefined
      ? undefined
      : setTimeout(() => stop(timeLimitError(tool, timeLimitMs, output.stderrTail)), timeLimitMs);
  try {
    await once(child, 'close');
  } catch (cause) {
    throw new ReelwrightError('FFMPEG_FAILED', `${tool} could not be run: ${String(cause)}`, { cause });
  } finally {
    run.signal?.removeEventListener('abort', onAbort);
    clearTimeout(limitTimer);
    clearTimeout(graceTimer);
  }

  if (stopped !== undefined) throw stopped.reason;
  const full = diskError(tool, output.stderrTail);
  if (full !== undefined) throw full;
  if (child.exitCode !== 0) throw exitError(tool, child, output.stderrTail);
  return output;
}

function toolEnvironment(): NodeJS.ProcessEnv {
  const kept = ENVIRONMENT_KEPT.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(kept);
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function endByForce(child: ChildProcess): void {
  signalGroup(child, 'SIGKILL');
  // A helper process that left the group may still hold the pipes, and 'close' would wait for it.
  child.stdout?.destroy();
  child.stderr?.destroy();
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // ESRCH: all of the group is gone. EPERM: what macOS says when only zombies are left in it.
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

function appendBounded(before: string, text: string, tool: string): string {
  if (before.length + text.length <= MAX_STDOUT_CHARACTERS) return before + text;
  throw new ReelwrightError(
    'FFMPEG_FAILED',
    `${tool} was expected to print at most ${MAX_STDOUT_CHARACTERS} characters, and printed more`,
  );
}
