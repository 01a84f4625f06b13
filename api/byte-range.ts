/** Range requests, RFC 9110 section 14. Ranges are kept in the order asked and never merged. */
import type { ByteRange } from '../storage/blob-store.js';

/** A request for more parts than this gets the whole instead: many tiny parts cost more than they carry. */
export const MAX_PARTS = 16;

export type RangeAnswer = { kind: 'whole' } | { kind: 'parts'; parts: ByteRange[] } | { kind: 'unsatisfiable' };

const WHOLE: RangeAnswer = { kind: 'whole' };

/**
 * What a `Range` header asks of `size` bytes. The whole answers what is no byte range or cannot be read, more than
 * `MAX_PARTS` parts, and parts that are more than the whole together. An empty list element is skipped, and a suffix
 * longer than the file is all of it (the range-parser package refuses both).
 */
export function resolveRange(header: string, size: number): RangeAnswer {
  const list = /^bytes=(.*)$/i.exec(header.trim())?.[1];
  if (list === undefined) return WHOLE;
  const elements = list.split(',').flatMap((element) => (element.trim() === '' ? [] : [element.trim()]));
  const parts: ByteRange[] = [];
  for (const element of elements) {
    const range = readElement(element, size);
    if (range === 'unreadable') return WHOLE;
    if (range.start <= range.end && range.start < size) parts.push(range);
  }
  if (elements.length === 0) return WHOLE;
  if (parts.length === 0) return { kind: 'unsatisfiable' };
  if (parts.length > MAX_PARTS) return WHOLE;
  const total = parts.reduce((sum, { start, end }) => sum + end - start + 1, 0);
  return total > size ? WHOLE : { kind: 'parts', parts };
}

/** One element cut to the file's end; beyond it, or empty, when nothing of the file is in it. */
function readElement(element: string, size: number): ByteRange | 'unreadable' {
  const match = /^(\d*)-(\d*)$/.exec(element);
  const [first, last] = [match?.[1] ?? '', match?.[2] ?? ''];
  if (first === '' && last === '') return 'unreadable';
  if (first === '') return { start: Math.max(0, size - Number(last)), end: size - 1 };
  if (last !== '' && Number(last) < Number(first)) return 'unreadable';
  return { start: Number(first), end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}
