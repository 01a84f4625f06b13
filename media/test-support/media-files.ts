import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll } from 'vitest';
import type { MediaTools } from '../ffmpeg/media-tools.js';

/** A tool that hangs is ended here, or it would outlive its test. */
const run = (path: string, args: string[]) => promisify(execFile)(path, args, { encoding: 'buffer', timeout: 20_000 });

export const tools: MediaTools = {
  ffmpegPath: process.env['FFMPEG_PATH'] ?? 'ffmpeg',
  ffprobePath: process.env['FFPROBE_PATH'] ?? 'ffprobe',
};

/** A folder for the media of one test file, removed after its last test. The path is known once the tests run. */
export function mediaFolder(): { path: (...names: string[]) => string } {
  let folder: string | undefined;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reelwright-media-test-'));
  });
  afterAll(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });
  return {
    path: (...names) => {
      if (folder === undefined) throw new Error('the folder is made before the first test, not earlier');
      return join(folder, ...names);
    },
  };
}

export interface ClipOptions {
  /** A colour that ffmpeg knows by name; "testsrc" for a moving pattern. */
  colour?: string;
  seconds?: number;
  size?: string;
  rate?: string;
  timescale?: number;
  pixelFormat?: string;
  /** Sound of its own length, in seconds. Without it the clip is silent. */
  sound?: { seconds: number; sampleRate?: number; channels?: number };
  /** Further output arguments, after all others. */
  extra?: string[];
}

/** Renders a small H.264 clip to `path` and returns the path. */
export async function makeClip(path: string, options: ClipOptions = {}): Promise<string> {
  const { colour = 'red', seconds = 1, size = '160x90', rate = '24', timescale = 24_000, sound } = options;
  const look = `s=${size}:r=${rate}:d=${seconds}`;
  const picture = colour === 'testsrc' ? `testsrc2=${look}` : `color=c=${colour}:${look}`;
  const rateOfSound = sound?.sampleRate ?? 48_000;
  const tone = sound ? ['-f', 'lavfi', '-i', `sine=f=440:r=${rateOfSound}:d=${sound.seconds}`] : [];
  const soundCodec = sound ? ['-c:a', 'aac', '-ac', String(sound.channels ?? 2)] : [];
  const codec = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', options.pixelFormat ?? 'yuv420p'];
  const container = ['-video_track_timescale', String(timescale), '-movflags', '+faststart'];
  await ffmpeg(
    '-f',
    'lavfi',
    '-i',
    picture,
    ...tone,
    ...codec,
    ...soundCodec,
    ...container,
    ...(options.extra ?? []),
    path,
  );
  return path;
}

/** Runs ffmpeg to its end and returns what it said on stderr. */
export async function ffmpeg(...args: string[]): Promise<string> {
  const { stderr } = await run(tools.ffmpegPath, ['-nostdin', '-hide_banner', '-y', ...args]);
  return stderr.toString();
}

type Colour = 'red' | 'green' | 'blue' | 'none';

/** The strongest colour of each of the first `count` frames; "none" for a grey frame and where there is no frame. */
export async function coloursOf(path: string, count: number): Promise<Colour[]> {
  const args = ['-v', 'error', '-i', path, '-vf', `scale=2:2:flags=area,tile=1x${count}`, '-frames:v', '1'];
  const png = ['-f', 'image2pipe', '-c:v', 'png', '-'];
  const { stdout } = await run(tools.ffmpegPath, [...args, ...png]);
  const { data, info } = await sharp(stdout).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const frameBytes = info.width * 2 * info.channels;
  return Array.from({ length: count }, (_, index) => strongest([...data.subarray(index * frameBytes).subarray(0, 3)]));
}

function strongest([red = 0, green = 0, blue = 0]: number[]): Colour {
  const highest = Math.max(red, green, blue);
  if (highest - Math.min(red, green, blue) < 60) return 'none';
  if (highest === red) return 'red';
  return highest === green ? 'green' : 'blue';
}

/** A hash of each decoded frame. */
export async function frameHashes(path: string): Promise<string[]> {
  const { stdout } = await run(tools.ffmpegPath, ['-v', 'error', '-i', path, '-map', '0:v', '-f', 'framemd5', '-']);
  const lines = stdout.toString().trim().split('\n');
  return lines.filter((line) => !line.startsWith('#')).map((line) => line.split(',').at(-1)?.trim() ?? '');
}

/** The mean loudness in dBFS from `fromSeconds` on, for `seconds`. Silence is about -91. */
export async function loudness(path: string, fromSeconds: number, seconds: number): Promise<number> {
  const args = ['-ss', String(fromSeconds), '-t', String(seconds), '-i', path, '-vn', '-af', 'volumedetect'];
  const said = await ffmpeg(...args, '-f', 'null', '-');
  const found = /mean_volume: (-?[\d.]+) dB/.exec(said)?.[1];
  if (found === undefined) throw new Error(`a mean_volume was expected from volumedetect, got: ${said}`);
  return Number(found);
}

/** Writes an executable shell script, to stand before a tool or in its place. */
export async function makeScript(path: string, ...lines: string[]): Promise<string> {
  await writeFile(path, ['#!/bin/sh', ...lines, ''].join('\n'));
  await chmod(path, 0o755);
  return path;
}

/** The process id that a script wrote to a file. */
export async function readPid(path: string): Promise<number> {
  const pid = Number.parseInt(await readFile(path, 'utf8'), 10);
  if (!(pid > 1)) throw new Error(`a process id was expected in ${path}, got ${pid}`);
  return pid;
}
