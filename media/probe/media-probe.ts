import type { Rational } from '../ffmpeg/rational.js';

/** What a media file says of its picture. */
export interface VideoStream {
  codec: string;
  /** E.g. "High". Undefined where the codec has none or it is unknown. */
  profile?: string;
  /** Stored size in pixels, before `rotation`. */
  width: number;
  height: number;
  /** Frames per second: the nominal rate, or the average where the rate varies. */
  frameRate: Rational;
  /** Seconds per tick of the stream's clock. */
  timeBase: Rational;
  pixelFormat: string;
  /** Shape of a pixel, e.g. "1:1"; a file that does not say has square pixels. */
  sampleAspectRatio: string;
  /** Degrees clockwise, 0 to 359, by which a player turns the picture. */
  rotation: number;
  durationSeconds: number;
  /** As stated by the container; undefined where it does not (fragmented files, Matroska). */
  frameCount?: number;
  /** True where a frame holds two half pictures taken one after the other. */
  interlaced?: true;
  /** A hash of the decoder's setup (H.264: the parameter sets); undefined where the container has none. */
  setup?: string;
  /** What the stream says of its colours; undefined where it says nothing. */
  colour?: Colour;
}

/** How numbers become colours, in ffmpeg's names (ITU-T H.273). What the stream does not say is left out. */
export interface Colour {
  /** "tv" or "pc". */
  range?: string;
  /** E.g. "bt709". */
  matrix?: string;
  transfer?: string;
  primaries?: string;
}

/** What a media file says of its sound. */
export interface AudioStream {
  codec: string;
  sampleRate: number;
  channels: number;
  /** E.g. "stereo"; "unknown" where the file does not say. */
  channelLayout: string;
  durationSeconds: number;
}

/** What a media file says of itself: its first picture and its first sound. At least one of them is there. */
export interface MediaProbe {
  /** ffmpeg's name of the container, e.g. "mov,mp4,m4a,3gp,3g2,mj2". */
  formatName: string;
  /** When the earliest stream starts, on the file's clock. Mostly 0. */
  startSeconds: number;
  /** Length of the longest stream. */
  durationSeconds: number;
  sizeBytes: number;
  video?: VideoStream;
  audio?: AudioStream;
}
