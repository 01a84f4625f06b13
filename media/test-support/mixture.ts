import type { CutOrder } from '../plan/cut-plan.js';
import type { Variant } from './clip-variants.js';

export type Bars = 'none' | 'sides' | 'above and below';
export type Heard = 'tone' | 'silence' | 'tone, then silence';
/** Clips that differ, and what their cut is to be. */
export interface Mixture {
  what: string;
  order?: CutOrder;
  clips: {
    is?: Variant;
    /** What the plan says: '' for a copy, else words of the reasons. */
    why: string;
    frames: number;
    bars?: Bars;
    heard?: Heard;
  }[];
  result: { size: string; rate: string; sound?: { sampleRate: number; channels: number } };
}

/** The sound of a clip of 1 s, a smaller size than the usual one, and what usual clips make. */
export const sound = { seconds: 1 };
export const small = { size: '228x128' };
export const HD24 = { size: '320x180', rate: '24/1' };
export const STEREO = { sampleRate: 48_000, channels: 2 };
