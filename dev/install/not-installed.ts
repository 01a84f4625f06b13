/** A program is missing and could not be installed. The message is written for the person at the terminal. */
export class NotInstalledError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'NotInstalledError';
  }
}
