import { type CutTarget, even, reasonsToEncode, reasonsToRewrap, type Size, shownSize } from './clip-format.js';
import { chooseTarget, mostCommon, type PictureOrder } from './cut-target.js';
import type { AudioStream, Colour, VideoStream } from './media-probe.js';
import { type ClipProbe, unusable } from './probe-clip.js';
import { formatRational, type Rational } from './rational.js';
import type { FrameScan } from './scan-frames.js';

/** What an order says of a cut. */
export interface CutOrder extends PictureOrder {
  /** Whether the clips' own sound is kept; it is unless the order says otherwise. */
  sound?: 'keep' | 'none' | undefined;
}

/** What becomes of one clip. Plain JSON, with nothing in it that names a file. */
export interface PlannedClip {
  /** The clip's number in its job. */
  number: number;
  /** Its picture is taken as it is; gets a new container but no new picture; or is encoded anew. */
  action: 'copy' | 'rewrap' | 'encode';
  /** Why it is not taken as it is, in words; empty where it is. */
  reasons: string[];
  /** Where it begins in the result, and how long it is there, in frames of the result. */
  firstFrame: number;
  frames: number;
  /** The same in seconds. */
  beginSeconds: number;
  pictureSeconds: number;
  /** Its own sound, silence of its picture's length, or none where the result has none. */
  sound: 'own' | 'silence' | 'none';
  source: ClipSource;
  /** Where its picture stands in the result's: the rest is black. Only where it is encoded. */
  placed?: Size & { x: number; y: number };
}

/** What the run has to know of a clip's file. Times are seconds of the file's clock. */
export interface ClipSource extends Size {
  frameRate: Rational;
  /** When its first stream, and its picture, begin. */
  startSeconds: number;
  pictureStartSeconds: number;
  lastFrameSeconds: number;
  interlaced: boolean;
  colour: Colour;
  channels: number;
  /** A hash of the decoder's setup. */
  setup: string;
}

/** A whole cut, decided before anything is run. Plain JSON: it is stored with the job and shown to operators. */
export interface CutPlan {
  target: CutTarget;
  /** The joined sound; left out where the result has none. */
  sound?: CutSound;
  frames: number;
  durationSeconds: number;
  clips: PlannedClip[];
}

export interface CutSound {
  sampleRate: number;
  channels: 1 | 2;
}

export interface ClipToCut {
  number: number;
  probe: ClipProbe;
}

/** Rates that every player plays; others are changed. */
const SAMPLE_RATES = [44_100, 48_000];

/**
 * Decides what a cut of the clips, in playing order, copies and what it encodes. Pure: equal clips and orders give equal
 * plans. Throws MEDIA_UNREADABLE for a clip without a picture (`details.clip`), RangeError for no clips at all or an
 * ordered size that is not even.
 */
export function planCut(clips: readonly ClipToCut[], order: CutOrder = {}): CutPlan {
  if (clips.length === 0) throw new RangeError('at least one clip to cut was expected, got none');
  const { size } = order;
  if (size !== undefined && [size.width, size.height].some((length) => length < 2 || length % 2 !== 0)) {
    throw new RangeError(`an even width and height were expected, got ${size.width}x${size.height}`);
  }
  const pictures = clips.map(({ number, probe }) => ({ number, probe, ...requirePicture(number, probe) }));
  const target = chooseTarget(pictures, order);
  const sounds = clips.flatMap(({ probe }) => probe.audio ?? []);
  const sound = order.sound === 'none' ? undefined : joinedSound(sounds);
  const secondsOf = (frames: number): number => round((frames * target.frameRate.den) / target.frameRate.num);

  let frames = 0;
  const planned = pictures.map(({ number, probe, video, scan }): PlannedClip => {
    const encode = reasonsToEncode(video, scan, target);
    const rewrap = encode.length > 0 ? [] : reasonsToRewrap(probe, video, scan, target);
    const action = encode.length > 0 ? 'encode' : rewrap.length > 0 ? 'rewrap' : 'copy';
    const firstFrame = frames;
    const own = action === 'encode' ? framesAt(target.frameRate, scan) : scan.frames;
    frames += own;
    return {
      number,
      action,
      reasons: [...encode, ...rewrap],
      firstFrame,
      frames: own,
      beginSeconds: secondsOf(firstFrame),
      pictureSeconds: secondsOf(own),
      sound: sound === undefined ? 'none' : probe.audio === undefined ? 'silence' : 'own',
      source: sourceOf(probe, video, scan),
      ...(action === 'encode' && { placed: place(video, target) }),
    };
  });
  return { target, ...(sound && { sound }), frames, durationSeconds: secondsOf(frames), clips: planned };
}

function requirePicture(number: number, { video, scan, audio }: ClipProbe): { video: VideoStream; scan: FrameScan } {
  if (video === undefined || scan === undefined) {
    throw unusable(number, 'to have a video stream', `has only ${audio?.codec ?? 'unknown'} sound`);
  }
  if (scan.frames === 0 || scan.seconds <= 0) throw unusable(number, 'to have a picture', 'has no frames');
  return { video, scan };
}

/** At least one, so that no clip is lost; each clip is rounded by itself, so that its place does not change it. */
function framesAt({ num, den }: Rational, { seconds }: FrameScan): number {
  return Math.max(1, Math.round((seconds * num) / den));
}

function joinedSound(sounds: readonly AudioStream[]): CutSound | undefined {
  if (sounds.length === 0) return undefined;
  const rate = mostCommon(sounds, ({ sampleRate }) => `${sampleRate}`)?.sampleRate ?? 0;
  return {
    sampleRate: SAMPLE_RATES.includes(rate) ? rate : 48_000,
    channels: sounds.every(({ channels }) => channels === 1) ? 1 : 2,
  };
}

/** As large as fits, in the middle, never stretched by more than the rounding to even numbers. */
function place(video: VideoStream, target: CutTarget): Size & { x: number; y: number } {
  const shown = shownSize(video);
  const scale = Math.min(target.width / shown.width, target.height / shown.height);
  const width = Math.min(target.width, even(shown.width * scale));
  const height = Math.min(target.height, even(shown.height * scale));
  return {
    width,
    height,
    x: 2 * Math.floor((target.width - width) / 4),
    y: 2 * Math.floor((target.height - height) / 4),
  };
}

function sourceOf(probe: ClipProbe, video: VideoStream, scan: FrameScan): ClipSource {
  const { num, den } = scan.steady
    ? video.frameRate
    : { num: Math.round((scan.frames / scan.seconds) * 1000), den: 1000 };
  const [rateNum = num, rateDen = den] = formatRational({ num, den }).split('/').map(Number);
  return {
    ...shownSize(video),
    frameRate: { num: rateNum, den: rateDen },
    startSeconds: round(probe.startSeconds),
    pictureStartSeconds: round(scan.startSeconds),
    lastFrameSeconds: round(scan.lastFrameSeconds),
    interlaced: video.interlaced === true,
    colour: video.colour ?? {},
    channels: probe.audio?.channels ?? 0,
    setup: video.setup ?? '',
  };
}

/** To microseconds, ffmpeg's own finest step. */
function round(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}
