/** Words for a start that failed. */
import { join } from 'node:path';
import { NotInstalledError } from './install/not-installed.js';
import { SettingsError } from './stack-settings.js';
import { readState } from './stack-state.js';
import { StepError } from './stack-steps.js';
import { LockHeldError } from './supervisor/lock.js';
import { logPath, logTail } from './supervisor/log-files.js';
import { PartStartError } from './supervisor/part.js';

/** One line for what a person can mend; the cause with its stack for everything else. */
export function describeStartFailure(error: unknown, folder: string): string {
  if (error instanceof LockHeldError) {
    const at = readState(join(folder, 'state.json'))?.apiUrl;
    const where = at === undefined ? 'still starting' : at;
    return `The stack of this checkout runs already (process ${error.holder.pid}, ${where}).`;
  }
  if (error instanceof PartStartError) {
    const log = logTail(join(folder, 'logs'), error.part, 20);
    return `${error.message}. The end of its log (${logPath(join(folder, 'logs'), error.part)}):\n${log}`;
  }
  if (error instanceof SettingsError || error instanceof StepError || error instanceof NotInstalledError)
    return error.message;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `The stack did not start: ${text}\nThe logs are in ${join(folder, 'logs')}.`;
}
