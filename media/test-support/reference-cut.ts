import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { ffmpeg, tools } from './media-files.js';

const run = async (path: string, args: string[]): Promise<Buffer> =>
  (await promisify(execFile)(path, ['-v', 'error', ...args], { encoding: 'buffer', timeout: 20_000 })).stdout;

/** A cut as bare ffmpeg makes it of the same files, for comparison: all is decoded and nothing is lost in encoding. */
export interface Reference {
  kind: 'crossfade' | 'fade';
  rate: number;
  size: string;
  /** Frames that each clip has at that rate. */
  clips: { path: string; frames: number }[];
  /** Frames that each seam takes of either clip. */
  seams: number[];
}

/** Makes it at `path`. */
export async function makeReference(path: string, { kind, rate, size, clips, seams }: Reference): Promise<string> {
  const [width, height] = size.split('x');
  const fitted = clips.map(({ frames }, index) => {
    const [before = 0, after = 0] = [seams[index - 1], seams[index]];
    const fit = `scale=${size}:force_original_aspect_ratio=decrease:flags=lanczos+accurate_rnd+full_chroma_int`;
    const pad = `format=yuv420p,setsar=1,pad=${width}:${height}:-1:-1`;
    const fades = [
      ...(before > 0 ? [`,fade=in:0:${before}`] : []),
      ...(after > 0 ? [`,fade=out:${frames - after}:${after}`] : []),
    ];
    const held = `fps=${rate},tpad=stop_mode=clone:stop=2,trim=end_frame=${frames}`;
    return `[${index}:v:0]setpts=PTS-STARTPTS,${held},${fit},${pad}${kind === 'fade' ? fades.join('') : ''}[c${index}]`;
  });
  let shown = clips[0]?.frames ?? 0;
  const crossed = clips.slice(1).map(({ frames }, index) => {
    const overlap = seams[index] ?? 0;
    const at = `duration=${overlap / rate}:offset=${(shown - overlap) / rate}`;
    shown += frames - overlap;
    return `${index === 0 ? '[c0]' : `[x${index}]`}[c${index + 1}]xfade=transition=fade:${at},format=yuv420p[x${index + 1}]`;
  });
  const labels = clips.map((_, index) => `[c${index}]`).join('');
  const joined = kind === 'fade' ? [`${labels}concat=n=${clips.length}:v=1:a=0[x${clips.length - 1}]`] : crossed;
  const inputs = clips.flatMap((clip) => ['-i', clip.path]);
  const graph = [...fitted, ...joined].join(';');
  const lossless = ['-c:v', 'ffv1', '-r', String(rate)];
  await ffmpeg(...inputs, '-filter_complex', graph, '-map', `[x${clips.length - 1}]`, ...lossless, path);
  return path;
}

/** How alike each frame of two files of one size is in dB; Infinity where both are equal. */
export async function framePsnr(one: string, other: string): Promise<number[]> {
  const counted = (input: number): string => `[${input}:v:0]settb=1/1000,setpts=N*10,format=yuv420p[v${input}]`;
  const stats = `${one}.psnr`;
  const graph = `${counted(0)};${counted(1)};[v0][v1]psnr=stats_file=${stats}`;
  await ffmpeg('-i', one, '-i', other, '-lavfi', graph, '-f', 'null', '-');
  const lines = (await readFile(stats, 'utf8')).trim().split('\n');
  await rm(stats);
  return lines.map((line) => Number(/ psnr_avg:(\S+)/.exec(line)?.[1]?.replace('inf', 'Infinity')));
}

/** When each frame of a file is shown, in seconds. */
export async function frameTimes(path: string): Promise<number[]> {
  const what = ['-select_streams', 'v:0', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0'];
  const lines = (await run(tools.ffprobePath, [...what, path])).toString().trim().split('\n');
  return lines.map((line) => Number.parseFloat(line)).sort((a, b) => a - b);
}

/** Red, green and blue in the middle of each frame. */
export async function frameColours(path: string): Promise<number[][]> {
  const middle = ['-vf', 'crop=2:2,format=rgb24,scale=1:1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'];
  const bytes = await run(tools.ffmpegPath, ['-i', path, '-map', '0:v:0', '-vsync', 'passthrough', ...middle]);
  return Array.from({ length: bytes.length / 3 }, (_, index) => [...bytes.subarray(index * 3, index * 3 + 3)]);
}
