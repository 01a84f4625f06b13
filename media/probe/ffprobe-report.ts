import { z } from 'zod';
import { parseRational, type Rational } from '../ffmpeg/rational.js';
import type { AudioStream, Colour, MediaProbe, VideoStream } from './media-probe.js';

/** The entries that `readReport` needs, in ffprobe's notation. Asked for by name so that no free text comes along. */
export const REPORT_ENTRIES = [
  'format=format_name,start_time,duration,size',
  'stream=codec_type,codec_name,profile,width,height,pix_fmt,sample_aspect_ratio,r_frame_rate,avg_frame_rate,' +
    'time_base,duration,nb_frames,field_order,color_range,color_space,color_transfer,color_primaries,extradata_hash,' +
    'sample_rate,channels,channel_layout',
  'stream_disposition=attached_pic',
  'stream_side_data=rotation',
].join(':');

const decimal = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/)
  .transform(Number);
const positive = decimal.pipe(z.number().positive());
const wholeText = decimal.pipe(z.int().positive());

const stream = z.object({ codec_type: z.string().optional() }).loose();

const videoStream = z.object({
  codec_name: z.string(),
  profile: z.string().optional(),
  width: z.int().positive(),
  height: z.int().positive(),
  pix_fmt: z.string(),
  sample_aspect_ratio: z.string().optional(),
  r_frame_rate: z.string().optional(),
  avg_frame_rate: z.string().optional(),
  time_base: z.string(),
  duration: positive.optional(),
  nb_frames: wholeText.optional(),
  field_order: z.string().optional(),
  color_range: z.string().optional(),
  color_space: z.string().optional(),
  color_transfer: z.string().optional(),
  color_primaries: z.string().optional(),
  extradata_hash: z.string().optional(),
  side_data_list: z.array(z.object({ rotation: z.number().optional() })).optional(),
});

const audioStream = z.object({
  codec_name: z.string(),
  sample_rate: wholeText,
  channels: z.int().positive(),
  channel_layout: z.string().optional(),
  duration: positive.optional(),
});

const report = z.object({
  format: z.object({
    format_name: z.string(),
    start_time: decimal.optional(),
    duration: positive,
    size: wholeText,
  }),
  streams: z.array(stream),
});

/**
 * Reads ffprobe's JSON. Throws a plain error that says what is missing or wrong; the caller knows the file.
 * A cover image inside a sound file is not a picture.
 */
export function readReport(json: string): MediaProbe {
  const { format, streams } = report.parse(JSON.parse(json));
  const video = streams.find((s) => s.codec_type === 'video' && !isCoverImage(s));
  const audio = streams.find((s) => s.codec_type === 'audio');
  if (video === undefined && audio === undefined) throw new Error('it has neither a video nor an audio stream');
  return {
    formatName: format.format_name,
    startSeconds: format.start_time ?? 0,
    durationSeconds: format.duration,
    sizeBytes: format.size,
    ...(video && { video: readVideo(video, format.duration) }),
    ...(audio && { audio: readAudio(audio, format.duration) }),
  };
}

function isCoverImage(s: z.infer<typeof stream>): boolean {
  return z.object({ disposition: z.object({ attached_pic: z.literal(1) }) }).safeParse(s).success;
}

function readVideo(raw: unknown, fileSeconds: number): VideoStream {
  const seen = videoStream.parse(raw);
  const frameRate = steadyRate(parseRational(seen.r_frame_rate), parseRational(seen.avg_frame_rate));
  const timeBase = parseRational(seen.time_base);
  if (frameRate === undefined) throw new Error('its video stream states no frame rate');
  if (timeBase === undefined) throw new Error('its video stream states no time base');
  const colour = readColour(seen);
  const turned = seen.side_data_list?.find((data) => data.rotation !== undefined)?.rotation ?? 0;
  return {
    codec: seen.codec_name,
    ...(seen.profile !== undefined && seen.profile !== 'unknown' && { profile: seen.profile }),
    width: seen.width,
    height: seen.height,
    frameRate,
    timeBase,
    pixelFormat: seen.pix_fmt,
    sampleAspectRatio: parseRational(seen.sample_aspect_ratio) ? (seen.sample_aspect_ratio ?? '1:1') : '1:1',
    // ffprobe states the turn counter-clockwise (libavutil/display.h, av_display_rotation_get).
    rotation: (((-turned % 360) + 360) % 360) + 0,
    durationSeconds: seen.duration ?? fileSeconds,
    ...(seen.nb_frames !== undefined && { frameCount: seen.nb_frames }),
    ...(INTERLACED.includes(seen.field_order ?? '') && { interlaced: true }),
    ...(seen.extradata_hash !== undefined && { setup: seen.extradata_hash }),
    ...(Object.keys(colour).length > 0 && { colour }),
  };
}

/** ffprobe's words for which half picture is stored and shown first. */
const INTERLACED = ['tt', 'bb', 'tb', 'bt'];

function readColour(seen: z.infer<typeof videoStream>): Colour {
  const stated = (text: string | undefined) => (text === 'unknown' || text === 'unspecified' ? undefined : text);
  const colour = {
    range: stated(seen.color_range),
    matrix: stated(seen.color_space),
    transfer: stated(seen.color_transfer),
    primaries: stated(seen.color_primaries),
  };
  return Object.fromEntries(Object.entries(colour).filter(([, value]) => value !== undefined));
}

function readAudio(raw: unknown, fileSeconds: number): AudioStream {
  const seen = audioStream.parse(raw);
  return {
    codec: seen.codec_name,
    sampleRate: seen.sample_rate,
    channels: seen.channels,
    channelLayout: seen.channel_layout ?? 'unknown',
    durationSeconds: seen.duration ?? fileSeconds,
  };
}

/**
 * The average wobbles with the rounding of timestamps, so the nominal rate is the one to compare; where they are more
 * than 1 % apart the rate varies, and the nominal one is only the finest step.
 */
function steadyRate(nominal: Rational | undefined, average: Rational | undefined): Rational | undefined {
  if (nominal === undefined || average === undefined) return average ?? nominal;
  const ratio = (nominal.num * average.den) / (nominal.den * average.num);
  return Math.abs(ratio - 1) <= 0.01 ? nominal : average;
}
