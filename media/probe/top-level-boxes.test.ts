import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { makeClip, mediaFolder } from '../test-support/media-files.js';
import { isFaststart, readTopLevelBoxes } from './top-level-boxes.js';

const folder = mediaFolder();

function box(type: string, payload: number, statedSize = 8 + payload): Buffer {
  const header = Buffer.alloc(8 + payload);
  header.writeUInt32BE(statedSize, 0);
  header.write(type, 4, 'latin1');
  return header;
}

function longBox(type: string, payload: number): Buffer {
  const bytes = Buffer.concat([box(type, 8, 1), Buffer.alloc(payload)]);
  bytes.writeBigUInt64BE(BigInt(bytes.length), 8);
  return bytes;
}

async function boxesOf(...parts: Buffer[]) {
  const path = folder.path('made-of-boxes.mp4');
  await writeFile(path, Buffer.concat(parts));
  return readTopLevelBoxes(path);
}

describe('isFaststart', () => {
  it('tells an index at the front from one at the end', async () => {
    const front = await makeClip(folder.path('front.mp4'));
    const end = await makeClip(folder.path('end.mp4'), { extra: ['-movflags', '-faststart'] });
    expect(await isFaststart(front)).toBe(true);
    expect(await isFaststart(end)).toBe(false);
  });

  it('is false for what is no MP4', async () => {
    const path = folder.path('text.mp4');
    await writeFile(path, 'moov mdat, says a text file that is long enough for a header');
    expect(await isFaststart(path)).toBe(false);
    await writeFile(path, '');
    expect(await isFaststart(path)).toBe(false);
  });
});

describe('readTopLevelBoxes', () => {
  it('reads short sizes, 64-bit sizes, and a box that goes to the end of the file', async () => {
    expect(await boxesOf(box('ftyp', 8), longBox('mdat', 100), box('moov', 20, 0))).toEqual([
      { type: 'ftyp', offset: 0, size: 16 },
      { type: 'mdat', offset: 16, size: 116 },
      { type: 'moov', offset: 132, size: 28 },
    ]);
  });

  it('gives the stated size of a box that is cut off', async () => {
    expect(await boxesOf(box('ftyp', 8), box('mdat', 10, 500))).toEqual([
      { type: 'ftyp', offset: 0, size: 16 },
      { type: 'mdat', offset: 16, size: 500 },
    ]);
  });

  it('stops at what is no box instead of running in circles', async () => {
    const ftyp = { type: 'ftyp', offset: 0, size: 16 };
    expect(await boxesOf(box('ftyp', 8), box('free', 8, 7))).toEqual([ftyp]);
    expect(await boxesOf(box('ftyp', 8), Buffer.alloc(5))).toEqual([ftyp]);
    expect(await boxesOf(box('ftyp', 8), box('\u0001\u0002\u0003\u0004', 8))).toEqual([ftyp]);
    expect(await boxesOf(box('ftyp', 8), box('mdat', 8, 1))).toEqual([ftyp]);
  });
});
