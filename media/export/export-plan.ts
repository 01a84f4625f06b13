import type { ExportFormat, ExportQuality } from '../../domain/renditions.js';
import { even, type Size, shownSize } from '../plan/clip-format.js';
import type { Colour, MediaProbe, VideoStream } from '../probe/media-probe.js';

export interface ExportOrder {
  format: ExportFormat;
  quality: ExportQuality;
}

interface Quality {
  /** The shorter side has at most this many pixels: 480 is "480p", upright videos included. */
  shortSide: number;
  /** Constant quality of H.264 (0 to 51) and VP9 (0 to 63): the higher, the smaller. */
  h264: string;
  vp9: string;
  aac: string;
  opus: string;
}

/** Chosen by eye: low is for messengers, medium for the web, high cannot be told from the video. */
const QUALITIES: Record<ExportQuality, Quality> = {
  low: { shortSide: 480, h264: '26', vp9: '37', aac: '96k', opus: '64k' },
  medium: { shortSide: 720, h264: '23', vp9: '33', aac: '128k', opus: '96k' },
  high: { shortSide: Number.POSITIVE_INFINITY, h264: '18', vp9: '28', aac: '192k', opus: '128k' },
};

/** What an export does, decided from the video's probe alone. */
export interface ExportPlan extends Size {
  picture: 'copy' | 'encode';
  videoCodec: 'h264' | 'vp9';
  /** Left out where the video is silent. */
  audioCodec?: 'aac' | 'opus';
  /** Output arguments of ffmpeg, the container's among them, without the output's name. */
  output: string[];
  /** ffmpeg's encoders that are needed. */
  encoders: string[];
}

/** VP9 takes many times as long as H.264; this speed gives up a few percent of size for a third of the time. */
const VP9_SPEED = ['-deadline', 'good', '-cpu-used', '4', '-row-mt', '1', '-tile-columns', '2', '-threads', '4'];
const SCALER = 'flags=lanczos+accurate_rnd+full_chroma_int+bitexact';
/** Below this height players take a picture that does not say its colours for BT.601, from it on for BT.709. */
const HD_HEIGHT = 720;
const CONTAINERS: Record<ExportFormat, string[]> = {
  mp4: ['-movflags', '+faststart', '-f', 'mp4'],
  mov: ['-movflags', '+faststart', '-f', 'mov'],
  webm: ['-cues_to_front', '1', '-f', 'webm'],
};

/**
 * Decides how a video is exported: never larger than it is, in its shape and at its rate. High quality keeps the very
 * pictures and sounds where the format carries them. Throws RangeError for a file without a picture.
 */
export function planExport({ video, audio }: MediaProbe, { format, quality }: ExportOrder): ExportPlan {
  if (video === undefined) throw new RangeError('a video was expected, got a file without a picture');
  const sizes = { ...sizeWithin(shownSize(video), QUALITIES[quality].shortSide) };
  const bare = ['-map_metadata', '-1', '-map_chapters', '-1', '-sn', '-dn', '-fflags', '+bitexact'];
  const streams = ['-map', '0:V:0', ...(audio ? ['-map', '0:a:0'] : ['-an'])];
  const container = [...bare, ...CONTAINERS[format]];
  const carried = video.codec === 'h264' && video.pixelFormat === 'yuv420p' && (audio?.codec ?? 'aac') === 'aac';
  if (quality === 'high' && format !== 'webm' && carried) {
    return {
      ...sizes,
      picture: 'copy',
      videoCodec: 'h264',
      ...(audio && { audioCodec: 'aac' }),
      output: [...streams, '-c', 'copy', ...container],
      encoders: [],
    };
  }
  const codecs = CODECS[format === 'webm' ? 'webm' : 'mp4'];
  const picture = ['-vf', filterTo(video, sizes), ...codecs.picture(QUALITIES[quality]), '-flags:v', '+bitexact'];
  return {
    ...sizes,
    picture: 'encode',
    videoCodec: codecs.videoCodec,
    ...(audio && { audioCodec: codecs.audioCodec }),
    output: [
      ...streams,
      ...picture,
      ...coloursOf(video),
      ...(audio ? codecs.sound(QUALITIES[quality]) : []),
      ...container,
    ],
    encoders: [codecs.encoder, ...(audio ? [codecs.soundEncoder] : [])],
  };
}

const CODECS = {
  mp4: {
    videoCodec: 'h264',
    audioCodec: 'aac',
    encoder: 'libx264',
    soundEncoder: 'aac',
    picture: ({ h264 }: Quality) => [
      '-c:v',
      'libx264',
      '-profile:v',
      'high',
      '-preset',
      'medium',
      '-crf',
      h264,
      '-threads',
      '4',
    ],
    sound: ({ aac }: Quality) => ['-c:a', 'aac', '-b:a', aac, '-flags:a', '+bitexact'],
  },
  webm: {
    videoCodec: 'vp9',
    audioCodec: 'opus',
    encoder: 'libvpx-vp9',
    soundEncoder: 'libopus',
    picture: ({ vp9 }: Quality) => ['-c:v', 'libvpx-vp9', '-crf', vp9, '-b:v', '0', '-g', '120', ...VP9_SPEED],
    sound: ({ opus }: Quality) => ['-c:a', 'libopus', '-b:a', opus, '-ar', '48000', '-flags:a', '+bitexact'],
  },
} as const;

/** As large as its shorter side may be, both even, and never larger than it is. */
function sizeWithin(size: Size, shortSide: number): Size {
  const scale = Math.min(1, shortSide / Math.min(size.width, size.height));
  return { width: even(size.width * scale), height: even(size.height * scale) };
}

function filterTo(video: VideoStream, { width, height }: Size): string {
  const asItIs = video.width === width && video.height === height && video.rotation === 0;
  return [...(asItIs ? [] : [`scale=w=${width}:h=${height}:${SCALER}`]), 'format=yuv420p', 'setsar=1'].join(',');
}

/** A picture that does not say its colours would change them by getting smaller, so it is made to say them. */
function coloursOf({ colour = {}, height }: VideoStream): string[] {
  const { matrix = height < HD_HEIGHT ? 'smpte170m' : 'bt709' } = colour;
  const { primaries = matrix, transfer = matrix, range = 'tv' } = colour as Colour;
  return ['-colorspace', matrix, '-color_primaries', primaries, '-color_trc', transfer, '-color_range', range];
}
