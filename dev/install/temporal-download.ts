/** The SDK's own download of the Temporal CLI, in a child process that is given up when no byte comes. */
import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sendSignal } from '../supervisor/process-table.js';
import { becomesTrue } from '../supervisor/wait.js';
import { TEMPORAL_CLI_VERSION } from './temporal-version.js';

export interface DownloadOptions {
  /** An empty folder that only this download uses. */
  folder: string;
  /** The child process; it says a word on its standard output when the download begins. */
  command: { file: string; args: readonly string[]; cwd: string };
  /** How long the child may take to load until it begins, in milliseconds. */
  loadLimitMs: number;
  /** How long the download may go on without a byte, in milliseconds. */
  silenceLimitMs: number;
  onProgress: (bytes: number) => void;
  signal?: AbortSignal | undefined;
}

/**
 * @returns the path of the downloaded executable, inside the folder
 * @throws with the reason when there is no executable in the end
 */
export async function downloadTemporalCli(options: DownloadOptions): Promise<string> {
  const { file, args, cwd } = options.command;
  // A group of its own: the SDK starts the server as its child, and that has to end too.
  const child = spawn(file, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  let hasEnded = false;
  let lastByteAt = performance.now();
  let limitMs = options.loadLimitMs;
  const note = (text: string): void => {
    words = (words + text).slice(-2_000);
  };
  child.stdout.setEncoding('utf8').once('data', () => {
    lastByteAt = performance.now();
    limitMs = options.silenceLimitMs;
  });
  child.stdout.resume();
  child.stderr.setEncoding('utf8').on('data', note);
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      note(error.message);
      resolve();
    });
    child.once('close', () => resolve());
  }).then(() => {
    hasEnded = true;
  });
  let bytes = 0;
  let isWhole = false;
  const target = join(options.folder, `temporal-v${TEMPORAL_CLI_VERSION}`);
  try {
    await becomesTrue(
      () => {
        isWhole = statSync(target, { throwIfNoEntry: false }) !== undefined;
        const seen = folderBytes(options.folder);
        if (seen > bytes) {
          bytes = seen;
          lastByteAt = performance.now();
          options.onProgress(bytes);
        }
        return isWhole || hasEnded || performance.now() - lastByteAt > limitMs;
      },
      { limitMs: Number.POSITIVE_INFINITY, everyMs: 50, signal: options.signal },
    );
  } finally {
    if (child.pid !== undefined) sendSignal(-child.pid, 'SIGKILL');
  }
  if (isWhole) {
    await ended;
    return target;
  }
  if (hasEnded) throw new Error(lastLine(words) || 'the download ended without a file and without a word');
  throw new Error(`no byte came for ${limitMs / 1000} s`);
}

function folderBytes(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder)) bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}

/** Of a stack trace the line that names the error. */
function lastLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return (
    lines.findLast((line) => /^(\w*Error|Caused by)\b/.test(line)) ??
    lines.findLast((line) => line !== '') ??
    ''
  ).slice(0, 300);
}
