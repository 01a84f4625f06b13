import type { AudioStream } from '../probe/media-probe.js';
import type { ClipProbe } from '../probe/probe-clip.js';
import type { MusicProbe } from '../probe/probe-music.js';
import type { FrameScan } from '../probe/scan-frames.js';
import { type CutTarget, reasonsToEncode, reasonsToRewrap, type Size } from './clip-format.js';
import { type ClipPicture, chooseTarget, mostCommon, type PictureOrder } from './cut-target.js';
import { MUSIC_SOUND, type MusicPlan, planMusic } from './music-plan.js';
import { type ClipSource, framesAt, place, requirePicture, sourceOf, toMicroseconds } from './plan-clip.js';
import { copyableSpan, type Piece, planPieces, type Span } from './plan-pieces.js';
import { framesOfEach, overlapOf, planSeams, type Seam, type Transition } from './plan-seams.js';

/** What an order says of a cut. */
export interface CutOrder extends PictureOrder {
  /** Whether the clips' own sound is kept; it is unless the order says otherwise. */
  sound?: 'keep' | 'none' | undefined;
  /** How each clip leads to the next; a cut unless the order says otherwise. */
  transition?: Transition | undefined;
}

/** What becomes of one clip. Plain JSON, with nothing in it that names a file. */
export interface PlannedClip {
  /** The clip's number in its job. */
  number: number;
  /**
   * Its picture is taken as it is; gets a new container but no new picture; is taken as it is between its seams, which are
   * encoded; or is encoded anew.
   */
  action: 'copy' | 'rewrap' | 'copy-middle' | 'encode';
  /** Why it is not taken as it is, in words; empty where it is. */
  reasons: string[];
  /** Where it begins in the result, and how long it is there, in frames of the result. A crossfade is part of both clips. */
  firstFrame: number;
  frames: number;
  /** The same in seconds. */
  beginSeconds: number;
  pictureSeconds: number;
  /** Its own sound, silence of its picture's length, or none where the result has none of any clip. */
  sound: 'own' | 'silence' | 'none';
  source: ClipSource;
  /** Where its picture stands in the result's: the rest is black. Only where some of it is encoded. */
  placed?: Size & { x: number; y: number };
}

/** A whole cut, decided before anything is run. Plain JSON: it is stored with the job and shown to operators. */
export interface CutPlan {
  target: CutTarget;
  /** The joined sound; left out where the result has none. */
  sound?: CutSound;
  frames: number;
  durationSeconds: number;
  clips: PlannedClip[];
  /** Left out where there is none. */
  music?: MusicPlan;
  /** Between all clips in order, and what the picture is made of. Both left out where all transitions are cuts. */
  seams?: Seam[];
  pieces?: Piece[];
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
 * Decides what a cut of the clips, in playing order, copies and what it encodes, and how music fits it where there is
 * any. Pure: equal clips, orders and music give equal plans. Throws MEDIA_UNREADABLE for a clip without a picture (`details.clip`), RangeError for no clips at all or an
 * ordered size that is not even.
 */
export function planCut(clips: readonly ClipToCut[], order: CutOrder = {}, music?: MusicProbe): CutPlan {
  if (clips.length === 0) throw new RangeError('at least one clip to cut was expected, got none');
  const { size } = order;
  if (size !== undefined && [size.width, size.height].some((length) => length < 2 || length % 2 !== 0)) {
    throw new RangeError(`an even width and height were expected, got ${size.width}x${size.height}`);
  }
  const pictures = clips.map(({ number, probe }) => ({ number, probe, ...requirePicture(number, probe) }));
  const target = chooseTarget(pictures, order);
  const sounds = clips.flatMap(({ probe }) => probe.audio ?? []);
  const sound = order.sound === 'none' ? undefined : joinedSound(sounds);
  const secondsOf = (frames: number): number => toMicroseconds((frames * target.frameRate.den) / target.frameRate.num);

  const fitted = pictures.map((picture) => ({ ...picture, ...fit(picture, target) }));
  const { transition = 'cut' } = order;
  const seams = transition === 'cut' ? [] : planSeams(fitted, transition, target.frameRate);
  let frames = 0;
  const placed = fitted.map((clip, index) => {
    const firstFrame = frames - overlapOf(seams[index - 1]);
    frames = firstFrame + clip.frames;
    return { ...clip, firstFrame, ...withSeams(clip, framesOfEach(seams[index - 1]), framesOfEach(seams[index])) };
  });
  const planned = placed.map(
    ({ number, probe, video, scan, action, reasons, firstFrame, frames: own }): PlannedClip => ({
      number,
      action,
      reasons,
      firstFrame,
      frames: own,
      beginSeconds: secondsOf(firstFrame),
      pictureSeconds: secondsOf(own),
      sound: sound === undefined ? 'none' : probe.audio === undefined ? 'silence' : 'own',
      source: sourceOf(probe, video, scan),
      ...((action === 'encode' || action === 'copy-middle') && { placed: place(video, target) }),
    }),
  );
  const pieces = placed.map(({ number, firstFrame, frames: own, copied, scan: { keyFrames } }) => ({
    number,
    firstFrame,
    frames: own,
    copied,
    keyFrames,
  }));
  const durationSeconds = secondsOf(frames);
  const joined = music === undefined ? sound : { ...MUSIC_SOUND };
  return {
    target,
    ...(joined && { sound: joined }),
    frames,
    durationSeconds,
    clips: planned,
    ...(music && { music: planMusic(music, durationSeconds, sound !== undefined) }),
    ...(seams.length > 0 && { seams, pieces: planPieces(pieces, seams) }),
  };
}

type Fitted = Pick<PlannedClip, 'action' | 'reasons' | 'frames'> & { scan: FrameScan };

/** What becomes of a clip that has no seams. */
function fit({ probe, video, scan }: ClipToCut & ClipPicture, target: CutTarget): Omit<Fitted, 'scan'> {
  const encode = reasonsToEncode(video, scan, target);
  if (encode.length > 0) return { action: 'encode', reasons: encode, frames: framesAt(target.frameRate, scan) };
  const rewrap = reasonsToRewrap(probe, video, scan, target);
  return { action: rewrap.length > 0 ? 'rewrap' : 'copy', reasons: rewrap, frames: scan.frames };
}

/** What becomes of it where seams take its first `head` and its last `tail` frames. */
function withSeams(
  { action, reasons, frames, scan }: Fitted,
  head: number,
  tail: number,
): Pick<PlannedClip, 'action' | 'reasons'> & { copied: Span | undefined } {
  if (action === 'encode') return { action, reasons, copied: undefined };
  if (head + tail === 0) return { action, reasons, copied: { from: 0, to: frames } };
  const copied = copyableSpan({ keyFrames: scan.keyFrames, frames }, head, tail);
  if (copied === undefined) return { action: 'encode', reasons: [...reasons, NO_KEY_FRAME], copied };
  const { from, to } = copied;
  const ends = [...(from > 0 ? [`0 to ${from - 1}`] : []), ...(to < frames ? [`${to} to ${frames - 1}`] : [])];
  return { action: 'copy-middle', reasons: [...reasons, `frames ${ends.join(' and ')} belong to seams`], copied };
}

const NO_KEY_FRAME = 'no key frame between its seams';

function joinedSound(sounds: readonly AudioStream[]): CutSound | undefined {
  if (sounds.length === 0) return undefined;
  const rate = mostCommon(sounds, ({ sampleRate }) => `${sampleRate}`)?.sampleRate ?? 0;
  return {
    sampleRate: SAMPLE_RATES.includes(rate) ? rate : 48_000,
    channels: sounds.every(({ channels }) => channels === 1) ? 1 : 2,
  };
}
