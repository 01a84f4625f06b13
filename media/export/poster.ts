import { fileUrl, inputArgs } from '../ffmpeg/input-args.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import { runFfmpeg } from '../ffmpeg/run-ffmpeg.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';

export interface PosterOptions extends RunLimits {
  /** The video; at least one picture long. */
  input: string;
  /** Where the JPEG appears. */
  output: string;
  /** The moment that is shown, in seconds; within the video. */
  atSeconds: number;
  /** The picture is at most this wide, in pixels, and never larger than the video. */
  maxWidth: number;
}

/** Good to look at and about 100 kB at 1280 x 720 (ffmpeg's scale: 2 is best, 31 worst). */
const JPEG_QUALITY = '3';

/**
 * Takes one frame of a video as a JPEG, upright and with square pixels. Equal inputs give equal bytes. Throws
 * FFMPEG_FAILED when ffmpeg fails, the signal's reason when aborted.
 */
export async function takePoster(tools: MediaTools, options: PosterOptions): Promise<void> {
  const { input, output, atSeconds, maxWidth, ...limits } = options;
  const picture = ['-frames:v', '1', '-vf', `scale='min(${maxWidth},iw*sar)':-2,setsar=1`, '-q:v', JPEG_QUALITY];
  const bare = ['-an', '-map_metadata', '-1', '-fflags', '+bitexact', '-flags:v', '+bitexact'];
  const target = ['-f', 'image2', '-update', '1', fileUrl(output)];
  await runFfmpeg(tools, ['-ss', atSeconds.toFixed(3), ...inputArgs(input), ...picture, ...bare, ...target], limits);
}
