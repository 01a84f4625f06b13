import { formatRational, type Rational } from '../ffmpeg/rational.js';
import type { Colour, MediaProbe, VideoStream } from '../probe/media-probe.js';
import type { FrameScan } from '../probe/scan-frames.js';
import { whatDiffers } from './alike.js';

/** Pixels, both even: what 4:2:0 needs. */
export interface Size {
  width: number;
  height: number;
}

/** The format that every clip of a cut has in the result, copied or encoded. */
export interface CutTarget extends Size {
  codec: 'h264';
  /** "Baseline", "Main" or "High". */
  profile: string;
  frameRate: Rational;
  timeBase: Rational;
  pixelFormat: 'yuv420p';
  /** The matrix that the result's pictures state, or "unspecified" where they state none. */
  matrix: string;
}

export const PROFILES = ['Baseline', 'Main', 'High'];
const HDR = { 'arib-std-b67': 'HLG', smpte2084: 'PQ' } as Record<string, string>;

/** Profiles that one decoder setting plays: the constrained forms are parts of their family. */
export function profileFamily(profile: string): string {
  return profile.replace(/^(Constrained|Progressive) /, '');
}

/** The size in square pixels, rotation applied, rounded to even numbers. */
export function shownSize({ width, height, sampleAspectRatio, rotation }: VideoStream): Size {
  const [num = 1, den = 1] = sampleAspectRatio.split(':').map(Number);
  const shown = { width: even((width * num) / den), height: even(height) };
  return rotation % 180 === 90 ? { width: shown.height, height: shown.width } : shown;
}

/** The nearest even number, below an odd one, and at least 2. */
export function even(length: number): number {
  return Math.max(2, Math.ceil(length / 2 - 0.5) * 2);
}

/** "BT.2020/HLG", "BT.2020/PQ" or "BT.2020" for colours that an ordinary screen cannot show as they are. */
export function wideColours({ transfer = '', primaries = '', matrix = '' }: Colour = {}): string | undefined {
  const hdr = HDR[transfer];
  if (hdr !== undefined) return `BT.2020/${hdr}`;
  return primaries === 'bt2020' || matrix.startsWith('bt2020') ? 'BT.2020' : undefined;
}

export function isHdr(colour: Colour = {}): boolean {
  return (colour.transfer ?? '') in HDR;
}

/**
 * Why a picture cannot be copied into the target, in words for operators; empty where it can. A time base is no reason:
 * a new container changes it.
 */
export function reasonsToEncode(video: VideoStream, scan: FrameScan, target: CutTarget): string[] {
  const family = { ...video, profile: profileFamily(video.profile ?? 'unknown'), timeBase: target.timeBase };
  const wide = wideColours(video.colour);
  const { matrix } = video.colour ?? {};
  const otherMatrix = matrix !== undefined && target.matrix !== 'unspecified' && matrix !== target.matrix;
  return [
    ...differences(family, target).filter((word) => scan.steady || !word.startsWith('frame rate')),
    ...(scan.steady ? [] : ['variable frame rate']),
    ...(video.interlaced ? ['interlaced'] : []),
    ...(wide === undefined ? [] : [wide]),
    ...(wide === undefined && otherMatrix ? [`colours of ${matrix} instead of ${target.matrix}`] : []),
    ...(video.colour?.range === 'pc' && video.pixelFormat === 'yuv420p' ? ['full range of brightness'] : []),
    ...(scan.hiddenFrames > 0 ? ['frames hidden by an edit list'] : []),
    ...(scan.startsWithKeyFrame ? [] : ['no key frame at its beginning']),
  ];
}

/** Why a picture that can be copied needs a container of its own first; empty where it does not. */
export function reasonsToRewrap(seen: MediaProbe, video: VideoStream, scan: FrameScan, target: CutTarget): string[] {
  const late = scan.startSeconds - seen.startSeconds;
  const [own, wanted] = [formatRational(video.timeBase), formatRational(target.timeBase)];
  return [
    ...(own === wanted ? [] : [`time base ${own} instead of ${wanted}`]),
    ...(scan.streamIndex === 0 ? [] : ['the picture is not its first stream']),
    ...(Math.abs(late) < LATE_SECONDS ? [] : [`the picture begins ${late.toFixed(3)} s after the sound`]),
  ];
}

/** The coarsest usual clock ticks in milliseconds. */
const LATE_SECONDS = 0.001;

function differences(video: VideoStream, target: CutTarget): string[] {
  const { width, height, codec, profile, frameRate, timeBase, pixelFormat } = target;
  const shape = { width, height, sampleAspectRatio: '1:1', rotation: 0 };
  const wanted: VideoStream = { codec, profile, frameRate, timeBase, pixelFormat, ...shape, durationSeconds: 0 };
  const file = { formatName: '', startSeconds: 0, durationSeconds: 0, sizeBytes: 0 };
  const found = whatDiffers([
    { ...file, video: wanted },
    { ...file, video },
  ]);
  // The profile belongs to its codec, and tells nothing where that is another one.
  const otherCodec = found.some(({ property }) => property === 'videoCodec');
  return found
    .filter(({ property }) => !(otherCodec && property === 'profile'))
    .map(({ property, expected, seen }) => inWords(property, expected, seen, video));
}

function inWords(property: string, expected: string, seen: string, { pixelFormat, frameRate }: VideoStream): string {
  if (property === 'rotation') return `rotated by ${seen} degrees`;
  if (property === 'sampleAspectRatio') return `pixels of shape ${seen}`;
  if (property === 'frameRate') return `frame rate ${decimal(frameRate)} instead of ${ratio(expected)}`;
  const depth = /p(\d+)(le|be)$/.exec(pixelFormat)?.[1];
  if (property === 'pixelFormat' && depth !== undefined) return `${depth} bit`;
  const name = { videoCodec: 'codec', pixelFormat: 'pixel format' }[property] ?? property;
  return `${name} ${seen} instead of ${expected}`;
}

function decimal({ num, den }: Rational): string {
  return String(Number((num / den).toFixed(3)));
}

function ratio(text: string): string {
  const [num = 0, den = 1] = text.split('/').map(Number);
  return decimal({ num, den });
}
