import { fileUrl, inputArgs } from '../ffmpeg/input-args.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import type { Rational } from '../ffmpeg/rational.js';
import { runFfmpeg } from '../ffmpeg/run-ffmpeg.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { even, type Size } from '../plan/clip-format.js';

/** Small pictures of a video at equal distances, side by side in one sheet. */
export interface SpritePlan {
  /** How many pictures there are. */
  count: number;
  columns: number;
  rows: number;
  /** Pixels of one picture. */
  tile: Size;
  /** Each stands for this long; together they cover the video. */
  intervalSeconds: number;
  durationSeconds: number;
}

const TILE_WIDTH = 160;
/** One for each second of a video that is not longer than this many. */
const MOST_TILES = 100;
const COLUMNS = 10;
/** Small pictures show their flaws less (ffmpeg's scale: 2 is best, 31 worst). */
const JPEG_QUALITY = '4';

/** Decides which pictures a sheet has. Throws RangeError for a video without a length. */
export function planSprites({ width, height }: Size, durationSeconds: number): SpritePlan {
  if (!(durationSeconds > 0)) throw new RangeError(`a video of some length was expected, got ${durationSeconds} s`);
  const count = Math.min(MOST_TILES, Math.max(1, Math.round(durationSeconds)));
  const columns = Math.min(COLUMNS, count);
  return {
    count,
    columns,
    rows: Math.ceil(count / columns),
    tile: { width: TILE_WIDTH, height: even((TILE_WIDTH * height) / width) },
    intervalSeconds: durationSeconds / count,
    durationSeconds,
  };
}

export interface TakeSpritesOptions extends RunLimits {
  /** A video of square pixels. */
  input: string;
  /** Where the JPEG appears. */
  output: string;
  frameRate: Rational;
}

/**
 * Takes the frames that are shown when each picture's time begins, in one run over the video. Equal inputs give equal
 * bytes. Throws FFMPEG_FAILED when ffmpeg fails, the signal's reason when aborted.
 */
export async function takeSprites(tools: MediaTools, plan: SpritePlan, options: TakeSpritesOptions): Promise<void> {
  const { input, output, frameRate, ...limits } = options;
  const { columns, rows, tile, intervalSeconds } = plan;
  const frame = frameRate.den / frameRate.num;
  // The first frame that is still shown at that time; the hundredth is for clocks that round.
  const shown = `gt(t-start_t\\,selected_n*${intervalSeconds.toFixed(9)}-${(frame * 0.99).toFixed(9)})`;
  const sheet = `select='${shown}',scale=${tile.width}:${tile.height}:flags=area,setsar=1,tile=${columns}x${rows}`;
  const picture = ['-map', '0:V:0', '-vf', sheet, '-frames:v', '1', '-q:v', JPEG_QUALITY];
  const bare = ['-an', '-map_metadata', '-1', '-fflags', '+bitexact', '-flags:v', '+bitexact'];
  const target = ['-f', 'image2', '-update', '1', fileUrl(output)];
  await runFfmpeg(tools, [...inputArgs(input), ...picture, ...bare, ...target], limits);
}

/**
 * The cues of a sheet as WebVTT: each names its part of `sheetUrl` by a media fragment, and they follow each other without
 * a gap from the beginning to the end of the video.
 */
export function spriteCues({ count, columns, tile, intervalSeconds }: SpritePlan, sheetUrl: string): string {
  const cues = Array.from({ length: count }, (_, index) => {
    const x = (index % columns) * tile.width;
    const y = Math.floor(index / columns) * tile.height;
    const times = [index, index + 1].map((number) => timestamp(number * intervalSeconds));
    return `${times.join(' --> ')}\n${sheetUrl}#xywh=${x},${y},${tile.width},${tile.height}\n`;
  });
  return `WEBVTT\n\n${cues.join('\n')}`;
}

/** `00:00:01.500` */
function timestamp(seconds: number): string {
  const milliseconds = Math.round(seconds * 1000);
  const part = (unit: number, count: number, digits: number): string =>
    String(Math.floor(milliseconds / unit) % count).padStart(digits, '0');
  const hours = String(Math.floor(milliseconds / 3_600_000)).padStart(2, '0');
  return `${hours}:${part(60_000, 60, 2)}:${part(1000, 60, 2)}.${part(1, 1000, 3)}`;
}
