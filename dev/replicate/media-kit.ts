/** What the tests of the local Replicate use to make images and to look at what was rendered. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { runProgram } from './ffmpeg.js';
import { temporaryFolder } from './test-kit.js';

export const FFMPEG = process.env['FFMPEG_PATH'] ?? 'ffmpeg';
export const FFPROBE = process.env['FFPROBE_PATH'] ?? 'ffprobe';

function script(lines: string): string {
  const path = join(temporaryFolder(), 'ffmpeg');
  writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  return path;
}

/** ffmpeg, which also writes down that it was run. */
export function countedFfmpeg(): { path: string; runs: () => number } {
  const log = join(temporaryFolder(), 'runs');
  writeFileSync(log, '');
  const path = script(`echo run >> '${log}'\nexec '${FFMPEG}' "$@"`);
  return { path, runs: () => readFileSync(log, 'utf8').split('\n').length - 1 };
}

/** ffmpeg at work on the file it was told to write, for ten minutes unless somebody kills it. */
export function endlessFfmpeg(): string {
  const source = '-re -f lavfi -i testsrc=size=160x120';
  return script(`for output; do :; done\nexec '${FFMPEG}' -v error -nostdin ${source} -t 600 "$output"`);
}

const patient = AbortSignal.timeout(600_000);

export interface ProbedStream {
  codec_type: string;
  codec_name: string;
  width?: number;
  height?: number;
  pix_fmt?: string;
  r_frame_rate: string;
  nb_frames?: string;
  duration: string;
  sample_rate?: string;
  channels?: number;
}

/** What ffprobe says of a file. */
export async function probe(path: string): Promise<{ streams: ProbedStream[]; format: { duration: string } }> {
  const answer = await runProgram(
    FFPROBE,
    ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', path],
    patient,
  );
  return JSON.parse(answer) as Awaited<ReturnType<typeof probe>>;
}

/** The n-th frame of a video as a PNG. */
export async function frame(path: string, n: number): Promise<Buffer> {
  const file = `${path}.${n}.png`;
  await runProgram(
    FFMPEG,
    ['-v', 'error', '-y', '-i', path, '-vf', `select=eq(n\\,${n})`, '-frames:v', '1', file],
    patient,
  );
  return readFileSync(file);
}

/** The loudest sample of a file's sound in dB below full scale. */
export async function peakDb(path: string): Promise<number> {
  const args = [
    '-v',
    'error',
    '-i',
    path,
    '-af',
    'astats=metadata=1,ametadata=print:key=lavfi.astats.Overall.Peak_level:file=-',
  ];
  const output = await runProgram(FFMPEG, [...args, '-f', 'null', '-'], patient);
  return Math.max(...[...output.matchAll(/Peak_level=(-?[\d.]+)/g)].map((match) => Number(match[1])));
}

/** Peak signal-to-noise ratio of two images of one size in dB: above 30 they look the same. */
export async function psnr(a: Buffer, b: Buffer): Promise<number> {
  const [one, other] = await Promise.all([a, b].map((image) => sharp(image).removeAlpha().raw().toBuffer()));
  if (one === undefined || other === undefined || one.length !== other.length) {
    throw new Error(`expected images of one size, got ${one?.length} and ${other?.length} bytes`);
  }
  let squares = 0;
  for (let n = 0; n < one.length; n += 1) squares += ((one[n] ?? 0) - (other[n] ?? 0)) ** 2;
  return 10 * Math.log10(255 ** 2 / (squares / one.length));
}

/** Fetches an output into a file of the folder. */
export async function download(url: unknown, folder: string, name: string): Promise<string> {
  const answer = await fetch(String(url));
  if (!answer.ok) throw new Error(`expected 200 from ${String(url)}, got ${answer.status}`);
  const path = join(folder, name);
  writeFileSync(path, Buffer.from(await answer.arrayBuffer()));
  return path;
}

/** Whether a process runs whose command line holds that text, for example a folder of this test. */
export function processRunsWith(text: string): boolean {
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(text);
    } catch {
      // It ended while we looked.
      return false;
    }
  });
}

/** A room with a window: enough structure to tell two of them apart, and a frame that has been moved. */
export function roomImage(wall: string, window: string, size = { width: 1280, height: 720 }): Promise<Buffer> {
  const { width, height } = size;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1280 720" width="${width}" height="${height}"
    preserveAspectRatio="none"><rect width="1280" height="720" fill="${wall}"/>
    <rect y="520" width="1280" height="200" fill="#5a4030"/><rect x="760" y="110" width="320" height="260" fill="${window}"/>
    <circle cx="330" cy="420" r="120" fill="#e8e4da"/></svg>`;
  return sharp(Buffer.from(svg)).jpeg({ quality: 92 }).toBuffer();
}

export function dataUri(bytes: Buffer, contentType = 'image/jpeg'): string {
  return `data:${contentType};base64,${bytes.toString('base64')}`;
}
