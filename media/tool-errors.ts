import type { ChildProcess } from 'node:child_process';
import { isReelwrightError, ReelwrightError } from '../domain/errors.js';

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
