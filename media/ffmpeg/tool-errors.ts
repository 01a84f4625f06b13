import type { ChildProcess } from 'node:child_process';
import { isReelwrightError, ReelwrightError } from '../../domain/errors.js';

/** True where the tool left by itself with a failure, so that its input is to blame; false where it was ended or never ran. */
export function leftWithFailure(error: unknown): error is ReelwrightError {
  return isReelwrightError(error, 'FFMPEG_FAILED') && typeof error.details?.['exitCode'] === 'number';
}

/** The last thing a tool said, without addresses in memory and folders, for use inside a message. */
export function lastWords(stderrTail: string): string {
  const line = stderrTail.trimEnd().split('\n').at(-1) ?? '';
  return line.replace(/ @ 0x[0-9a-f]+/g, '').replace(/(file:)?\/.*\//, '') || 'it said nothing';
}

export function timeLimitError(tool: string, timeLimitMs: number, stderr: string): ReelwrightError {
  return new ReelwrightError('FFMPEG_FAILED', `${tool} was expected to end within ${timeLimitMs} ms, and did not`, {
    details: { tool, timeLimitMs, stderr },
  });
}

export function exitError(tool: string, child: ChildProcess, stderr: string): ReelwrightError {
  const { exitCode, signalCode } = child;
  const how = exitCode === null ? `was ended by the signal ${signalCode}` : `left with exit code ${exitCode}`;
  return new ReelwrightError('FFMPEG_FAILED', `${tool} ${how}: ${lastWords(stderr)}`, {
    details: { tool, ...(exitCode === null ? { signal: signalCode } : { exitCode }), stderr },
  });
}

/** What the system says of a full file system, and of a user's full share of one. */
const FULL = /No space left on device|Disk quota exceeded/;

/** That the disk is full, where a tool said so. ffmpeg may leave with 0 then: what it writes last is lost all the same. */
export function diskError(tool: string, stderr: string): ReelwrightError | undefined {
  if (!FULL.test(stderr)) return undefined;
  return new ReelwrightError(
    'NO_DISK_SPACE',
    `${tool} was expected to find room, and found none: ${lastWords(stderr)}`,
    {
      details: { tool, stderr },
      retryAfterMs: DISK_RETRY_MS,
    },
  );
}

/** Others end meanwhile, and their files with them. */
export const DISK_RETRY_MS = 30_000;
