import { describe, expect, test } from 'vitest';
import type { ByteRange } from '../storage/blob-store.js';
import { resolveRange } from './byte-range.js';

const SIZE = 1000;
const parts = (...ranges: [number, number][]): ByteRange[] => ranges.map(([start, end]) => ({ start, end }));
const seventeen = Array.from({ length: 17 }, (_, index) => `${index}-${index}`);

describe('resolveRange, of 1000 bytes', () => {
  test.each<[string, ByteRange[]]>([
    ['bytes=0-0', parts([0, 0])],
    ['bytes=0-999', parts([0, 999])],
    ['bytes=999-999', parts([999, 999])],
    ['bytes=500-', parts([500, 999])],
    ['bytes=-1', parts([999, 999])],
    ['bytes=-500', parts([500, 999])],
    ['bytes=-5000', parts([0, 999])],
    ['bytes=900-5000', parts([900, 999])],
    ['bytes=0-99999999999999999999999', parts([0, 999])],
    ['BYTES=0-1', parts([0, 1])],
    ['bytes= 0-1 ', parts([0, 1])],
    ['bytes=0-1,5-6', parts([0, 1], [5, 6])],
    ['bytes=0-1 , 5-6', parts([0, 1], [5, 6])],
    ['bytes=,0-1,,5-6,', parts([0, 1], [5, 6])],
    ['bytes=5-6,0-1', parts([5, 6], [0, 1])],
    ['bytes=0-3,2-5', parts([0, 3], [2, 5])],
    ['bytes=0-1,2000-', parts([0, 1])],
    [
      `bytes=${seventeen.slice(1).join(',')}`,
      parts(...seventeen.slice(1).map((_, i): [number, number] => [i + 1, i + 1])),
    ],
  ])('%s asks for parts in the order given, unmerged', (header, expected) => {
    expect(resolveRange(header, SIZE)).toEqual({ kind: 'parts', parts: expected });
  });

  test.each(['bytes=1000-', 'bytes=1000-2000', 'bytes=-0', 'bytes=2000-3000,-0'])(
    '%s cannot be satisfied',
    (header) => {
      expect(resolveRange(header, SIZE)).toEqual({ kind: 'unsatisfiable' });
    },
  );

  test.each([
    ['nothing', ''],
    ['no unit', '0-1'],
    ['another unit', 'items=0-1'],
    ['no range', 'bytes='],
    ['empty elements alone', 'bytes=,,'],
    ['a lone dash', 'bytes=-'],
    ['letters', 'bytes=abc'],
    ['a letter within', 'bytes=0-1x'],
    ['an end before its start', 'bytes=5-2'],
    ['one bad element among good ones', 'bytes=0-1,x-2'],
    ['a sign', 'bytes=+1-2'],
    ['17 parts', `bytes=${seventeen.join(',')}`],
    ['more bytes than there are', 'bytes=0-999,0-0'],
  ])('%s gets the whole', (_what, header) => {
    expect(resolveRange(header, SIZE)).toEqual({ kind: 'whole' });
  });

  test('finds nothing to satisfy in an empty file', () => {
    for (const header of ['bytes=0-', 'bytes=0-0', 'bytes=-5'])
      expect(resolveRange(header, 0)).toEqual({ kind: 'unsatisfiable' });
  });
});
