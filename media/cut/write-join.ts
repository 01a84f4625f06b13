import type { MediaTools } from '../ffmpeg/media-tools.js';
import { type FfmpegRun, runFfmpeg } from '../ffmpeg/run-ffmpeg.js';
import { leftWithFailure } from '../ffmpeg/tool-errors.js';
import { mostIndexBytes } from '../plan/index-bytes.js';
import { isFaststart } from '../probe/top-level-boxes.js';
import { type Join, joinArgs } from './join-args.js';

export interface JoinFiles {
  /** The pictures' ffconcat script. */
  script: string;
  output: string;
  /** Room that is kept for the index in front of the media, in bytes; what the join can need at most where left out. */
  indexBytes?: number | undefined;
}

/**
 * Writes a join as an MP4 whose index stands before the media. Room for the index is kept free beforehand, so that the
 * file is written once; only where that was too small it is written anew, and then the media are moved behind the index.
 * Errors as `runTool`.
 */
export async function writeJoin(tools: MediaTools, join: Join, files: JoinFiles, run: FfmpegRun): Promise<void> {
  const { script, output, indexBytes = indexBytesOf(join) } = files;
  const wasRoom = await runFfmpeg(tools, joinArgs(join, script, output, indexBytes), run).then(
    () => true,
    (error: unknown) => {
      if (!leftWithFailure(error) || !TOO_SMALL.test(String(error.details?.['stderr']))) throw error;
      return false;
    },
  );
  // Up to version 6 ffmpeg leaves with 0 all the same, and a file that is none.
  if (wasRoom && (await isFaststart(output))) return;
  await runFfmpeg(tools, joinArgs(join, script, output), run);
}

/** libavformat/movenc.c, mov_write_trailer. */
const TOO_SMALL = /reserved_moov_size is too small/;

function indexBytesOf({ pictures, frameRate, sound }: Join): number {
  const frames = pictures.reduce((end, picture) => Math.max(end, picture.firstFrame + picture.frames), 0);
  const seconds = (frames * frameRate.den) / frameRate.num;
  return mostIndexBytes(frames, sound && { seconds, sampleRate: sound.sampleRate });
}
