/** Renders a clip: a camera move over one picture, or from one to the other. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { cameraMoveFilter } from './camera-move.js';
import { runProgram } from './ffmpeg.js';
import { unusableInput } from './input-media.js';
import type { VideoJob } from './render-job.js';
import { textPicture } from './text-picture.js';

/** Veo's rate. */
const FRAMES_PER_SECOND = 24;
const SAMPLE_RATE = 48_000;
/** The part of the clip in which one picture fades into the other. */
const CROSSFADE_PART = 0.3;
const MAX_ASPECT_RATIO = 2.5;

export interface FrameSize {
  width: number;
  height: number;
}

/** An input image: its field, for messages, and its bytes. */
export interface Picture {
  field: string;
  bytes: Buffer;
}

/**
 * The size of a clip in pixels: the resolution is its short side. Where the model follows its first image, the long
 * side comes from that image as it is seen (EXIF orientation applied); 768p of a 16:9 image is 1366x768.
 */
export async function frameSize(job: VideoJob, first: Picture | undefined): Promise<FrameSize> {
  const short = Number.parseInt(job.resolution, 10);
  const even = (length: number) => 2 * Math.round(length / 2);
  let ratio = 16 / 9;
  if (job.aspectRatio === '9:16') ratio = 9 / 16;
  else if (job.aspectRatio === 'first-image' && first !== undefined) {
    const { width, height } = (await sharp(first.bytes).metadata()).autoOrient;
    ratio = Math.min(MAX_ASPECT_RATIO, Math.max(1 / MAX_ASPECT_RATIO, width / height));
  }
  return ratio >= 1 ? { width: even(short * ratio), height: short } : { width: short, height: even(short / ratio) };
}

async function writeFrame(picture: Picture, size: FrameSize, path: string): Promise<void> {
  try {
    await sharp(picture.bytes, { failOn: 'error' })
      .autoOrient()
      .flatten({ background: '#000000' })
      .resize(size.width, size.height, { fit: 'cover', kernel: 'lanczos3' })
      .toColourspace('srgb')
      .png({ compressionLevel: 1 })
      .toFile(path);
  } catch (error) {
    throw unusableInput(picture.field, 'is not a readable image', error);
  }
}

/** Without the matrix the hue shifts: RGB is converted by BT.601 otherwise. The still is converted once, then repeated. */
function stillFilter(input: number, frames: number): string {
  return (
    `[${input}]scale=flags=lanczos:out_color_matrix=bt709:out_range=tv,setsar=1,format=yuv420p,` +
    `loop=loop=-1:size=1:start=0,trim=end_frame=${frames}`
  );
}

function pictureFilter(stills: number, frames: number): string {
  if (stills === 1) {
    const move = cameraMoveFilter({ zoomFrom: 1, zoomTo: 1.3, drift: 0.35, frames, firstFrame: 0 });
    return `${stillFilter(0, frames)},${move},setsar=1,format=yuv420p[v]`;
  }
  const fade = Math.round(frames * CROSSFADE_PART);
  const fadeStart = Math.round((frames - fade) / 2);
  const pushIn = cameraMoveFilter({ zoomFrom: 1, zoomTo: 1.35, drift: 0.6, frames, firstFrame: 0 });
  const pullBack = cameraMoveFilter({ zoomFrom: 1.35, zoomTo: 1, drift: -0.6, frames, firstFrame: fadeStart });
  const seconds = (count: number) => (count / FRAMES_PER_SECOND).toFixed(6);
  return (
    `${stillFilter(0, fadeStart + fade)},${pushIn}[a];${stillFilter(1, frames - fadeStart)},${pullBack}[b];` +
    `[a][b]xfade=transition=fade:duration=${seconds(fade)}:offset=${seconds(fadeStart)},` +
    `trim=end_frame=${frames},setsar=1,format=yuv420p[v]`
  );
}

/** The quiet noise of a room, a little different on both sides. The seeds are fixed: equal jobs give equal bytes. */
function roomToneFilter(seconds: number): string {
  const noise = (seed: number) =>
    `anoisesrc=color=brown:r=${SAMPLE_RATE}:amplitude=0.15:seed=${seed}:duration=${seconds},lowpass=f=900`;
  return (
    `${noise(11)}[l];${noise(12)}[r];[l][r]join=inputs=2:channel_layout=stereo,` +
    `afade=t=in:d=0.3,afade=t=out:st=${seconds - 0.3}:d=0.3,atrim=end=${seconds}[s]`
  );
}

/**
 * Renders the job into `folder` and returns the file: H.264 yuv420p at 24 frames a second, exactly the seconds asked,
 * the index in front, and AAC stereo at 48 kHz where the job has sound. Equal jobs and pictures give equal bytes.
 */
export async function renderVideo(options: {
  job: VideoJob;
  pictures: Picture[];
  size: FrameSize;
  folder: string;
  ffmpegPath: string;
  signal: AbortSignal;
}): Promise<string> {
  const { job, size, folder, signal } = options;
  const stills: string[] = [];
  if (options.pictures.length === 0) {
    const path = join(folder, 'still-0.png');
    await writeFile(path, await textPicture(job.prompt, size.width, size.height));
    stills.push(path);
  }
  for (const [n, picture] of options.pictures.entries()) {
    const path = join(folder, `still-${n}.png`);
    await writeFrame(picture, size, path);
    stills.push(path);
  }
  const rate = String(FRAMES_PER_SECOND);
  const frames = job.seconds * FRAMES_PER_SECOND;
  const filters = [pictureFilter(stills.length, frames), ...(job.audio ? [roomToneFilter(job.seconds)] : [])];
  const output = join(folder, 'output.mp4');
  await runProgram(
    options.ffmpegPath,
    [
      ['-hide_banner', '-loglevel', 'error', '-nostdin'],
      stills.flatMap((still) => ['-framerate', rate, '-i', still]),
      ['-filter_complex', filters.join(';'), '-map', '[v]', ...(job.audio ? ['-map', '[s]'] : [])],
      // Ending by a number of frames instead would cut the sound.
      ['-t', String(job.seconds)],
      ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-threads', '2'],
      ['-x264-params', 'rc-lookahead=10', '-g', String(2 * FRAMES_PER_SECOND), '-r', rate],
      ['-video_track_timescale', '24000'],
      job.audio ? ['-c:a', 'aac', '-b:a', '128k', '-ar', String(SAMPLE_RATE)] : [],
      ['-color_primaries', 'bt709', '-color_trc', 'bt709', '-colorspace', 'bt709'],
      ['-fflags', '+bitexact', '-flags:v', '+bitexact', '-flags:a', '+bitexact', '-map_metadata', '-1'],
      ['-movflags', '+faststart', output],
    ].flat(),
    signal,
  );
  return output;
}
