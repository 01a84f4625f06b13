import { type FileHandle, open } from 'node:fs/promises';

/** A packet of a picture, as far as it tells whether decoding can begin with it. */
export interface KeyPacket {
  /** Ticks of the stream's clock; undefined where the container states none. */
  pts: number | undefined;
  key: boolean;
  /** Where its bytes begin in the file, and how many they are. */
  position: number | undefined;
  size: number;
}

/** Parameter sets and other small units stand before the first slice. */
const HEAD_BYTES = 4096;
/** Types of H.264 NAL units (ITU-T H.264, table 7-1): slices of a picture, and those of one that refers to no other. */
const SLICE = 1;
const IDR_SLICE = 5;

/**
 * The frames, counted in the order in which they are shown, at which a picture can be cut without encoding: key frames
 * that no frame stored behind them is shown before, that no frame stored before them is shown after, and whose slices
 * make the decoder forget what was before (IDR). A container calls more than those key frames. Only frame 0 is told of
 * another codec than H.264 in units of stated lengths (`lengthBytes`), and none where a frame has no time.
 *
 * Frames that are stored but hidden are counted too: a picture that has such is not to be cut at these.
 */
export async function closedKeyFrames(
  path: string,
  packets: readonly KeyPacket[],
  lengthBytes: number | undefined,
): Promise<number[]> {
  const candidates = closedInTime(packets);
  const inside = candidates.filter((index) => index > 0);
  if (inside.length === 0 || lengthBytes === undefined) return candidates.filter((index) => index <= 0);
  const file = await open(path, 'r');
  try {
    const found: number[] = candidates.slice(0, candidates[0] === 0 ? 1 : 0);
    for (const index of inside) {
      const packet = packets[index];
      if (packet !== undefined && (await isIdr(file, packet, lengthBytes))) found.push(index);
    }
    return found;
  } finally {
    await file.close();
  }
}

/** Where all that is stored before is shown before, a packet's place in the file is its frame's place in time. */
function closedInTime(packets: readonly KeyPacket[]): number[] {
  const times = packets.map(({ pts }) => pts ?? Number.NaN);
  if (times.some(Number.isNaN)) return [];
  const earliestFrom = times.slice();
  for (let index = times.length - 2; index >= 0; index -= 1) {
    earliestFrom[index] = Math.min(times[index] ?? 0, earliestFrom[index + 1] ?? 0);
  }
  let latest = Number.NEGATIVE_INFINITY;
  return packets.flatMap(({ key }, index) => {
    const [pts = 0, before] = [times[index], latest];
    latest = Math.max(latest, pts);
    return key && before < pts && earliestFrom[index] === pts ? [index] : [];
  });
}

async function isIdr(file: FileHandle, { position, size }: KeyPacket, lengthBytes: number): Promise<boolean> {
  if (position === undefined) return false;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, HEAD_BYTES)), { position });
  let at = 0;
  while (at + lengthBytes < bytesRead) {
    const length = buffer.readUIntBE(at, lengthBytes);
    const type = (buffer[at + lengthBytes] ?? 0) & 0x1f;
    if (length === 0 || at + lengthBytes + length > size) return false;
    if (type >= SLICE && type <= IDR_SLICE) return type === IDR_SLICE;
    at += lengthBytes + length;
  }
  return false;
}
