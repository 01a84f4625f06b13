import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { mediaFolder } from '../test-support/media-files.js';
import { closedKeyFrames, type KeyPacket } from './key-frames.js';

const folder = mediaFolder();
let files = 0;

/** NAL units of these types in a packet, each with its length in four bytes before it. */
function unitsOf(types: number[]): Buffer {
  return Buffer.concat(types.map((type) => Buffer.from([0, 0, 0, 3, 0x60 | type, 1, 2])));
}

interface Stored {
  /** When it is shown; undefined where the container states no time. */
  at: number | undefined;
  key?: boolean;
  units?: number[];
}

async function keyFramesOf(stored: Stored[], lengthBytes: number | undefined = 4): Promise<number[]> {
  const bytes = stored.map(({ key, units }) => unitsOf(units ?? [key ? 5 : 1]));
  const path = folder.path(`packets-${(files += 1)}`);
  await writeFile(path, Buffer.concat(bytes));
  let position = 0;
  const packets = stored.map(({ at, key = false }, index): KeyPacket => {
    const size = bytes[index]?.length ?? 0;
    position += size;
    return { pts: at, key, position: position - size, size };
  });
  return await closedKeyFrames(path, packets, lengthBytes);
}

const key = (at: number, ...units: number[]): Stored => ({ at, key: true, ...(units.length > 0 && { units }) });
const frame = (at: number): Stored => ({ at });

describe('closedKeyFrames', () => {
  it.each<{ what: string; stored: Stored[]; frames: number[] }>([
    { what: 'key frames', stored: [key(0), frame(1), key(2), frame(3), key(4)], frames: [0, 2, 4] },
    {
      what: 'key frames among frames that are sorted anew',
      stored: [key(0), frame(2), frame(1), key(3), frame(5), frame(4)],
      frames: [0, 3],
    },
    {
      what: 'none that a frame behind it is shown before',
      stored: [key(0), frame(1), key(4), frame(2), frame(3), key(5)],
      frames: [0, 5],
    },
    {
      what: 'none that a frame far behind it is shown before',
      stored: [key(0), key(2), frame(3), key(4), frame(1)],
      frames: [0],
    },
    { what: 'none that a frame before it is shown after', stored: [key(0), frame(3), key(2), frame(4)], frames: [0] },
    { what: 'none at the time of another frame', stored: [key(0), frame(2), key(2), key(3)], frames: [0, 3] },
    {
      what: 'none whose slices refer to others',
      stored: [key(0), frame(1), key(2, 1), key(3, 9, 7, 8, 6, 1), key(4, 6, 5)],
      frames: [0, 4],
    },
    { what: 'the first one by its word alone', stored: [key(0, 1), frame(1)], frames: [0] },
    { what: 'not the first one where it is none', stored: [frame(0), key(1)], frames: [1] },
    { what: 'nothing where a frame has no time', stored: [key(0), { at: undefined }, key(2)], frames: [] },
  ])('tells $what', async ({ stored, frames }) => {
    expect(await keyFramesOf(stored)).toEqual(frames);
  });

  it('tells only the first of what is not H.264 in units of stated lengths, and of bytes that are no units', async () => {
    const stored = [key(0), frame(1), key(2)];
    const path = folder.path('other');
    await writeFile(path, Buffer.alloc(64, 0xff));
    const packets = stored.map(
      ({ at, key: isKey = false }): KeyPacket => ({ pts: at, key: isKey, position: 0, size: 32 }),
    );
    expect(await closedKeyFrames(path, packets, undefined)).toEqual([0]);
    expect(await closedKeyFrames(path, packets, 4)).toEqual([0]);
    const nowhere = packets.map((packet) => ({ ...packet, position: undefined }));
    expect(await closedKeyFrames(path, nowhere, 4)).toEqual([0]);
  });
});
