import { open, stat } from 'node:fs/promises';

/** One box of the outermost level of an MP4 or MOV file. Offsets and sizes are bytes. */
export interface TopLevelBox {
  type: string;
  offset: number;
  /** As stated by its header; a box "to the end of the file" gets the size that it has. */
  size: number;
}

/**
 * Reads the headers of a file's outermost boxes (ISO/IEC 14496-12, 4.2), in order. Stops where the rest is no box. The
 * last one may state more bytes than the file has: then the file is cut off.
 */
export async function readTopLevelBoxes(path: string): Promise<TopLevelBox[]> {
  const file = await open(path);
  try {
    const { size: fileSize } = await file.stat();
    const boxes: TopLevelBox[] = [];
    const header = Buffer.alloc(16);
    for (let offset = 0; offset < fileSize; ) {
      const { bytesRead } = await file.read(header, 0, 16, offset);
      const type = header.toString('latin1', 4, 8);
      if (bytesRead < 8 || !/^[\x20-\x7e]{4}$/.test(type)) break;
      const size = statedSize(header, bytesRead, fileSize - offset);
      if (size === undefined) break;
      boxes.push({ type, offset, size });
      offset += size;
    }
    return boxes;
  } finally {
    await file.close();
  }
}

/** True where a player can start before it has the whole file: the index (`moov`) lies before the media (`mdat`). */
export async function isFaststart(path: string): Promise<boolean> {
  const types = (await readTopLevelBoxes(path)).map((box) => box.type);
  return types.includes('moov') && types.includes('mdat') && types.indexOf('moov') < types.indexOf('mdat');
}

/**
 * How many bytes an MP4 file lacks at its end, by what its boxes state. ffmpeg leaves with 0 on one that ends between two
 * frames, so it has to be asked here. 0 for other containers.
 */
export async function missingBytes(path: string, { formatName }: { formatName: string }): Promise<number> {
  if (!formatName.split(',').includes('mp4')) return 0;
  const [boxes, file] = await Promise.all([readTopLevelBoxes(path), stat(path)]);
  const last = boxes.findLast((box) => ['moov', 'moof', 'mdat'].includes(box.type));
  return last === undefined ? 0 : Math.max(0, last.offset + last.size - file.size);
}

function statedSize(header: Buffer, bytesRead: number, bytesLeft: number): number | undefined {
  const short = header.readUInt32BE(0);
  if (short === 0) return bytesLeft;
  if (short !== 1) return short >= 8 ? short : undefined;
  if (bytesRead < 16) return undefined;
  const long = Number(header.readBigUInt64BE(8));
  return long >= 16 ? long : undefined;
}
