/** The files of the cut's bench, made by ffmpeg on the spot. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const CLIPS = 6;
export const CLIP_SECONDS = 8;

export interface CutFiles {
  /** Alike: 1080p at 24 frames a second and 12 Mbit/s, a key frame each 2 s, with sound. */
  clips: string[];
  /** 1366x768 at 25 frames a second, silent. */
  odd: string;
  music: string;
  /** Names the clips for ffmpeg's concat demuxer. */
  list: string;
}

/** Makes all of them in the folder. */
export async function makeCutFiles(ffmpegPath: string, folder: string): Promise<CutFiles> {
  const ffmpeg = async (...args: string[]): Promise<void> => {
    await run(ffmpegPath, ['-nostdin', '-v', 'error', '-y', ...args]);
  };
  const source = (filter: string): string[] => ['-f', 'lavfi', '-i', filter];
  const rate = ['-b:v', '12M', '-minrate', '12M', '-maxrate', '12M', '-bufsize', '12M', '-x264-params', 'nal-hrd=cbr'];
  const encoder = [
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    '-pix_fmt',
    'yuv420p',
    '-g',
    '48',
    ...rate,
    '-movflags',
    '+faststart',
  ];
  const clips: string[] = [];
  for (let number = 1; number <= CLIPS; number += 1) {
    const path = join(folder, `clip-${number}.mp4`);
    const picture = source(`testsrc2=s=1920x1080:r=24:d=${CLIP_SECONDS},hue=h=${number * 50}`);
    const sound = source(`anoisesrc=c=pink:r=48000:a=0.2:seed=${number}:d=${CLIP_SECONDS}`);
    await ffmpeg(...picture, ...sound, ...encoder, '-c:a', 'aac', '-ac', '2', '-video_track_timescale', '24000', path);
    clips.push(path);
  }
  const odd = join(folder, 'odd.mp4');
  await ffmpeg(...source(`testsrc2=s=1366x768:r=25:d=${CLIP_SECONDS}`), ...encoder, odd);
  const music = join(folder, 'music.wav');
  await ffmpeg(...source(`sine=f=330:r=44100:d=${CLIPS * CLIP_SECONDS}`), '-ac', '2', music);
  const list = join(folder, 'list.ffconcat');
  await writeFile(list, clips.map((path) => `file 'file:${path}'\n`).join(''));
  return { clips, odd, music, list };
}
