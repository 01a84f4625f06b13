import { ReelwrightError } from '../domain/errors.js';
import type { ByteRange } from './blob-store.js';

/**
 * The range to read of a blob of `size` bytes: all of it when none is asked for, undefined when that is nothing. Throws
 * RangeError unless 0 <= start <= end < size.
 */
export function rangeWithin(size: number, range: ByteRange | undefined): ByteRange | undefined {
  if (range === undefined) return size === 0 ? undefined : { start: 0, end: size - 1 };
  const { start, end } = range;
  const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end);
  if (!whole || start < 0 || end < start || end >= size) {
    throw new RangeError(`expected a range within ${size} bytes, got ${start}-${end}`);
  }
  return { start, end };
}

/** The error of every operation on a blob that does not exist. */
export function unknownBlob(id: string): ReelwrightError {
  return new ReelwrightError('NOT_FOUND', `there is no blob ${id}`);
}
