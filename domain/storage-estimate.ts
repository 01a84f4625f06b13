/**
 * How many bytes an order will take in the store, before anything of it exists. Loaded by workflow code, so: no zod, no
 * Node built-ins.
 */
import { type ModelName, type Resolution, videoModel } from './models.js';

/**
 * Megabits per second of a model's clips, sound included. Providers state none: these are generous for H.264 of the size
 * at 24 or 25 frames a second, so that a job which was admitted fits.
 */
const MEGABITS_PER_SECOND: Record<'veo' | 'hailuo', Record<Resolution, number>> = {
  veo: { '512p': 6, '720p': 12, '768p': 12, '1080p': 24 },
  hailuo: { '512p': 4, '720p': 8, '768p': 8, '1080p': 16 },
};

/** Stereo WAV at 44.1 kHz and 16 bit, the largest that a music model gives. */
const MUSIC_BYTES_PER_SECOND = 44_100 * 4;
/** The poster, the thumbnail, the sheet of small pictures and its cues. */
const PREVIEWS_BYTES = 2_000_000;
/** An image that is still to be fetched from an address. */
const IMAGE_BYTES = 4_000_000;

export interface StoredClip {
  model: ModelName;
  durationSeconds: number;
  /** Whether its bytes are in the store, and counted there. */
  stored: boolean;
}

/** What is known of a job's media before they are made. Durations are seconds. */
export interface MediaOrder {
  resolution: Resolution;
  transition: 'cut' | 'crossfade' | 'fade';
  clips: readonly StoredClip[];
  /** Of each piece that is not stored; each contains those before it. */
  music: readonly number[];
  /** Images that are named by address and not fetched. */
  images: number;
}

/** The bytes of one clip. */
export function clipBytes(model: ModelName, resolution: Resolution, durationSeconds: number): number {
  const megabits = MEGABITS_PER_SECOND[videoModel(model).family][resolution];
  return Math.ceil((durationSeconds * megabits * 1e6) / 8);
}

/**
 * What a job will add to the store: the clips and the music that are missing, its video, small pictures, and, where
 * clips do not simply follow each other, the parts that are encoded to fit and kept for the next cut.
 */
export function orderBytes({ resolution, transition, clips, music, images }: MediaOrder): number {
  const sizes = clips.map((clip) => ({ ...clip, bytes: clipBytes(clip.model, resolution, clip.durationSeconds) }));
  const all = sum(sizes.map(({ bytes }) => bytes));
  const missing = sum(sizes.filter(({ stored }) => !stored).map(({ bytes }) => bytes));
  const isEncoded = transition !== 'cut' || new Set(clips.map(({ model }) => model)).size > 1;
  const video = clips.length === 0 ? 0 : all * (isEncoded ? 2 : 1) + PREVIEWS_BYTES;
  return missing + video + sum(music) * MUSIC_BYTES_PER_SECOND + images * IMAGE_BYTES;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
