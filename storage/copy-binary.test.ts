import { describe, expect, test } from 'vitest';
import { BytesDecoder, ChunkRowEncoder, COPY_HEADER, COPY_TRAILER, dataOfRow } from './copy-binary.js';

const ID = '018f2f6e-1234-7abc-8def-0123456789ab';

function field(data: Buffer): Buffer {
  const prefix = Buffer.alloc(6);
  prefix.writeInt16BE(1, 0);
  prefix.writeInt32BE(data.length, 2);
  return Buffer.concat([prefix, data]);
}

function decode(pieces: Iterable<Buffer>): { bytes: string; ended: boolean } {
  const decoder = new BytesDecoder();
  let bytes = '';
  for (const piece of pieces) for (const data of decoder.push(piece)) bytes += data.toString();
  return { bytes, ended: decoder.ended };
}

describe('BytesDecoder', () => {
  const rows = [field(Buffer.from('first')), field(Buffer.alloc(0)), field(Buffer.from('third'))];
  const stream = Buffer.concat([COPY_HEADER, ...rows, COPY_TRAILER]);

  test('reads the rows from one piece', () => {
    expect(decode([stream])).toEqual({ bytes: 'firstthird', ended: true });
  });

  test.each([1, 2, 3, 5, 11, 19, 24])('reads the rows from pieces of %i bytes', (size) => {
    const pieces = [];
    for (let start = 0; start < stream.length; start += size) pieces.push(stream.subarray(start, start + size));
    expect(decode(pieces)).toEqual({ bytes: 'firstthird', ended: true });
  });

  test('does not take a stream that stops early for a whole one, wherever it stops', () => {
    for (let length = 0; length < stream.length; length += 1) {
      expect(decode([stream.subarray(0, length)]).ended).toBe(false);
    }
  });

  test('refuses what is not a binary COPY of one field', () => {
    const twoFields = Buffer.concat([COPY_HEADER, Buffer.from([0, 2, 0, 0, 0, 1, 65, 0, 0, 0, 1, 66])]);
    const nullField = Buffer.concat([COPY_HEADER, Buffer.from([0, 1, 0xff, 0xff, 0xff, 0xff])]);
    expect(() => decode([Buffer.from('PGCOPY text that is no header')])).toThrow('expected a binary COPY header');
    expect(() => decode([twoFields])).toThrow('got 2 fields');
    expect(() => decode([nullField])).toThrow('length -1');
    expect(() => decode([Buffer.concat([stream, Buffer.from('more')])])).toThrow('expected nothing after the end');
  });
});

describe('ChunkRowEncoder', () => {
  /** The rows as they would be sent: at once, since later ones overwrite them. */
  function encode(pieces: readonly string[], chunkSize: number): Buffer[] {
    const encoder = new ChunkRowEncoder(ID, chunkSize);
    const rows: Buffer[] = [];
    for (const piece of pieces) for (const row of encoder.push(Buffer.from(piece))) rows.push(Buffer.from(row));
    for (const row of encoder.end()) rows.push(Buffer.from(row));
    return rows;
  }

  test('writes rows of three fields: id, number, data', () => {
    const expected = Buffer.concat([
      Buffer.from([0, 3, 0, 0, 0, 16]),
      Buffer.from(ID.replaceAll('-', ''), 'hex'),
      Buffer.from([0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 3]),
      Buffer.from('def'),
    ]);
    expect(encode(['abcdef'], 3)[1]).toEqual(expected);
  });

  test.each([
    [[], []],
    [['abc'], ['abc']],
    [['ab'], ['ab']],
    [['abcd'], ['abc', 'd']],
    [
      ['a', '', 'bcdefgh', 'i'],
      ['abc', 'def', 'ghi'],
    ],
  ])('cuts %j into %j, whatever the pieces', (pieces, rows) => {
    expect(encode(pieces, 3).map((row) => dataOfRow(row).toString())).toEqual(rows);
  });

  test('leaves a row as it is until the next one was yielded', () => {
    const encoder = new ChunkRowEncoder(ID, 3);
    const [row] = encoder.push(Buffer.from('abcde'));
    expect(row && dataOfRow(row).toString()).toBe('abc');
  });
});
