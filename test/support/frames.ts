import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import sharp from 'sharp';

const run = promisify(execFile);
const WIDTH = 96;
const HEIGHT = 54;

/** One frame of a video as small raw RGB pixels. */
export async function frameAt(path: string, seconds: number): Promise<Buffer> {
  const { stdout } = await run(
    'ffmpeg',
    ['-v', 'error', '-ss', String(seconds), '-i', path, '-frames:v', '1', '-f', 'image2pipe', '-c:v', 'png', '-'],
    { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 },
  );
  return await pixels(stdout);
}

/** All frames of a video, each as small raw RGB pixels, in one run of ffmpeg. */
export async function allFrames(path: string): Promise<Buffer[]> {
  const small = ['-vf', `scale=${WIDTH}:${HEIGHT}:flags=area,format=rgb24`, '-f', 'rawvideo', '-'];
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', path, '-fps_mode', 'passthrough', ...small], {
    encoding: 'buffer',
    maxBuffer: 256 * 1024 * 1024,
  });
  const size = WIDTH * HEIGHT * 3;
  return Array.from({ length: stdout.length / size }, (_, index) => stdout.subarray(index * size, (index + 1) * size));
}

/** A picture as small raw RGB pixels. */
export async function pixels(image: Buffer): Promise<Buffer> {
  return await sharp(image).resize(WIDTH, HEIGHT, { fit: 'cover' }).removeAlpha().raw().toBuffer();
}

/** How alike two pictures are, in decibels; above 25 they show the same, below 15 something else. */
export function psnr(a: Buffer, b: Buffer): number {
  if (a.length !== b.length)
    throw new RangeError(`expected pictures of one size, got ${a.length} and ${b.length} bytes`);
  const error = a.reduce((sum, value, index) => sum + (value - (b[index] ?? 0)) ** 2, 0) / a.length;
  return error === 0 ? 100 : 10 * Math.log10((255 * 255) / error);
}

/** What ffprobe says of a file. */
export async function ffprobe(path: string): Promise<{
  format: { duration: string };
  streams: { codec_type: string; codec_name: string; width?: number; height?: number; avg_frame_rate: string }[];
}> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-of', 'json', '-show_format', '-show_streams', path]);
  return JSON.parse(stdout) as Awaited<ReturnType<typeof ffprobe>>;
}
