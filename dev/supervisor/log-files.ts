/** One log file per part. The part itself holds it open, so its last words arrive even when the supervisor is gone. */
import { closeSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A log that is larger when its part starts is moved aside to `<name>.log.1`. */
const ROTATE_BYTES = 20 * 1024 * 1024;

export function logPath(folder: string, part: string): string {
  return join(folder, `${part}.log`);
}

/** Opens a part's log for appending, readable for its owner only. The caller closes the descriptor. */
export function openLog(folder: string, part: string): number {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = logPath(folder, part);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > ROTATE_BYTES) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

/** The last lines of a part's log, at most `lines` and 16 KiB; empty where there is no log. */
export function logTail(folder: string, part: string, lines: number): string {
  const path = logPath(folder, part);
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return '';
  const buffer = Buffer.alloc(Math.min(size, 16 * 1024));
  const file = openSync(path, 'r');
  try {
    const read = readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.subarray(0, read).toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    closeSync(file);
  }
}
