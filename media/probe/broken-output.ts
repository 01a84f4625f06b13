import { basename } from 'node:path';
import { ReelwrightError } from '../../domain/errors.js';

/** Makes the errors for a fetched file that is not whole: OUTPUT_BROKEN, with what was expected of it and seen. */
export function brokenOutput(path: string): (expected: string, seen: string, cause?: unknown) => ReelwrightError {
  const file = basename(path);
  return (expected, seen, cause) =>
    new ReelwrightError('OUTPUT_BROKEN', `${file} was expected ${expected}, and ${seen}`, {
      cause,
      details: { file, expected, seen },
    });
}
