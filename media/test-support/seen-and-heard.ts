import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { tools } from './media-files.js';

/** Colours that stay apart through encoding, by ffmpeg's names for them. */
const PALETTE = {
  red: [255, 0, 0],
  lime: [0, 255, 0],
  blue: [0, 0, 255],
  yellow: [255, 255, 0],
  magenta: [255, 0, 255],
  cyan: [0, 255, 255],
  black: [0, 0, 0],
  white: [255, 255, 255],
} as const;
export type PlainColour = keyof typeof PALETTE;

const COLUMNS = 32;
const ROWS = 18;
const SOUND_RATE = 8_000;

const run = async (...args: string[]): Promise<Buffer> => {
  const options = { encoding: 'buffer', timeout: 20_000, maxBuffer: 64 * 1024 * 1024 } as const;
  return (await promisify(execFile)(tools.ffmpegPath, ['-nostdin', '-v', 'error', '-xerror', ...args], options)).stdout;
};

/** One decoded frame, each place of it as the nearest plain colour. */
export interface SeenFrame {
  centre: PlainColour;
  /** In the middle of that edge. */
  left: PlainColour;
  right: PlainColour;
  top: PlainColour;
  bottom: PlainColour;
}

/** Every frame of a file, decoded from start to end; fails on the first decoding error. */
export async function seenFrames(path: string): Promise<SeenFrame[]> {
  const small = `scale=${COLUMNS}:${ROWS}:flags=area`;
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-vsync', 'passthrough', '-'];
  const bytes = await run('-i', path, '-map', '0:v:0', '-vf', small, ...raw);
  const frameBytes = COLUMNS * ROWS * 3;
  return Array.from({ length: bytes.length / frameBytes }, (_, index) => {
    const at = (column: number, row: number): PlainColour =>
      nearest([...bytes.subarray(index * frameBytes + (row * COLUMNS + column) * 3).subarray(0, 3)]);
    const [x, y] = [COLUMNS / 2, ROWS / 2];
    return { centre: at(x, y), left: at(0, y), right: at(COLUMNS - 1, y), top: at(x, 0), bottom: at(x, ROWS - 1) };
  });
}

/** Red, green and blue in the middle of a file's first frame, as a player that heeds the stated colours shows them. */
export async function middleColour(path: string): Promise<number[]> {
  const one = ['-vf', 'crop=2:2', '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'];
  return [...(await run('-i', path, '-map', '0:v:0', ...one)).subarray(0, 3)];
}

/** The width and height in pixels, and the first column and row, of what is white in a file's first frame. */
export async function whiteBox(path: string, width: number): Promise<{ x: number; y: number; w: number; h: number }> {
  const raw = ['-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'gray', '-'];
  const grey = await run('-i', path, '-map', '0:v:0', ...raw);
  const white = [...grey].flatMap((value, index) => (value > 190 ? [[index % width, Math.floor(index / width)]] : []));
  const [xs, ys] = [white.map(([x = 0]) => x), white.map(([, y = 0]) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, w: Math.max(...xs) - x + 1, h: Math.max(...ys) - y + 1 };
}

/** Tells the mean level of a file's sound in dBFS between two times; silence is below -90. */
export async function heardLevels(path: string): Promise<(fromSeconds: number, toSeconds: number) => number> {
  const raw = ['-ac', '1', '-ar', String(SOUND_RATE), '-f', 's16le', '-'];
  const bytes = await run('-i', path, '-map', '0:a:0', ...raw);
  return (fromSeconds, toSeconds) => {
    let sum = 0;
    const [from, to] = [Math.round(fromSeconds * SOUND_RATE), Math.round(toSeconds * SOUND_RATE)];
    if (to * 2 > bytes.length) throw new RangeError(`sound of ${toSeconds} s was expected, it is shorter`);
    for (let sample = from; sample < to; sample += 1) sum += (bytes.readInt16LE(sample * 2) / 32_768) ** 2;
    return 10 * Math.log10(sum / (to - from) + 1e-12);
  };
}

function nearest([r = 0, g = 0, b = 0]: number[]): PlainColour {
  const distance = (name: PlainColour): number => {
    const [red, green, blue] = PALETTE[name];
    return (red - r) ** 2 + (green - g) ** 2 + (blue - b) ** 2;
  };
  const names = Object.keys(PALETTE) as PlainColour[];
  return names.reduce((best, name) => (distance(name) < distance(best) ? name : best));
}
