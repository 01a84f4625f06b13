import type { CutOrder } from '../cut-plan.js';
import { HLG, PQ, TEN_BIT, VARIABLE_RATE, type Variant } from './clip-variants.js';

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

const sound = { seconds: 1 };
const small = { size: '228x128' };
const HD24 = { size: '320x180', rate: '24/1' };
const STEREO = { sampleRate: 48_000, channels: 2 };

/** Colours are given to the clips by their places. */
export const MIXTURES: Mixture[] = [
  {
    what: 'silent clips that are alike',
    clips: [
      { why: '', frames: 24 },
      { why: '', frames: 24 },
      { why: '', frames: 24 },
    ],
    result: HD24,
  },
  {
    what: 'alike pictures, one of them without sound',
    clips: [
      { is: { sound }, why: '', frames: 24, heard: 'tone' },
      { why: '', frames: 24, heard: 'silence' },
      { is: { sound }, why: '', frames: 24, heard: 'tone' },
    ],
    result: { ...HD24, sound: STEREO },
  },
  {
    what: 'silent clips first and last',
    clips: [
      { why: '', frames: 24, heard: 'silence' },
      { is: { sound }, why: '', frames: 24, heard: 'tone' },
      { why: '', frames: 24, heard: 'silence' },
    ],
    result: { ...HD24, sound: STEREO },
  },
  {
    what: 'four rates',
    clips: [
      { is: { sound }, why: '', frames: 24, heard: 'tone' },
      { is: { rate: '25', timescale: 25_000 }, why: 'frame rate 25 instead of 24', frames: 24, heard: 'silence' },
      { is: { rate: '30', timescale: 30_000, sound }, why: 'frame rate 30', frames: 24, heard: 'tone' },
      { is: { rate: '24000/1001' }, why: 'frame rate 23.976 instead of 24', frames: 24, heard: 'silence' },
    ],
    result: { ...HD24, sound: STEREO },
  },
  {
    what: 'most clips at 25, the first at 24',
    clips: [
      { why: 'frame rate 24 instead of 25', frames: 25 },
      { is: { rate: '25', timescale: 12_800 }, why: '', frames: 25 },
      { is: { rate: '25', timescale: 12_800 }, why: '', frames: 25 },
    ],
    result: { size: '320x180', rate: '25/1' },
  },
  {
    what: 'a rate of a fraction, and one beside it',
    clips: [
      { is: { rate: '30000/1001', timescale: 30_000 }, why: '', frames: 30, heard: 'silence' },
      { is: { rate: '30000/1001', timescale: 30_000, sound }, why: '', frames: 30, heard: 'tone' },
      { is: { rate: '60', sound }, why: 'frame rate 60 instead of 29.97', frames: 30, heard: 'tone' },
    ],
    result: { size: '320x180', rate: '30000/1001', sound: STEREO },
  },
  {
    what: 'full HD and 768 lines',
    clips: [
      { is: { sound }, why: '', frames: 24, heard: 'tone' },
      { is: small, why: 'size 228x128 instead of 320x180', frames: 24, heard: 'silence' },
      { is: { sound }, why: '', frames: 24, heard: 'tone' },
    ],
    result: { ...HD24, sound: STEREO },
  },
  {
    what: 'one odd out of six',
    clips: [
      ...[1, 2, 3].map(() => ({ is: { sound }, why: '', frames: 24, heard: 'tone' as const })),
      { is: { ...small, rate: '25', timescale: 25_000 }, why: 'frame rate 25', frames: 24, heard: 'silence' },
      ...[5, 6].map(() => ({ is: { sound }, why: '', frames: 24, heard: 'tone' as const })),
    ],
    result: { ...HD24, sound: STEREO },
  },
  {
    what: 'clips that differ in everything',
    clips: [
      { is: { sound }, why: '', frames: 24, heard: 'tone' },
      { is: { ...small, rate: '25' }, why: 'frame rate 25', frames: 24, heard: 'silence' },
      { is: { size: '180x320', rate: '30' }, why: 'size 180x320', frames: 24, bars: 'sides', heard: 'silence' },
      { is: { size: '240x180', rate: '50', sound }, why: 'frame rate 50', frames: 24, bars: 'sides', heard: 'tone' },
      { is: { size: '320x136', rate: '12' }, why: 'size', frames: 24, bars: 'above and below', heard: 'silence' },
    ],
    result: { ...HD24, sound: STEREO },
  },
  {
    what: 'a portrait among landscapes',
    clips: [
      { why: '', frames: 24 },
      { is: { size: '180x320' }, why: 'size 180x320 instead of 320x180', frames: 24, bars: 'sides' },
      { why: '', frames: 24 },
    ],
    result: HD24,
  },
  {
    what: 'a landscape among portraits',
    clips: [
      { why: 'size 320x180 instead of 180x320', frames: 24, bars: 'above and below' },
      { is: { size: '180x320' }, why: '', frames: 24 },
      { is: { size: '180x320' }, why: '', frames: 24 },
    ],
    result: { size: '180x320', rate: '24/1' },
  },
  {
    what: 'clips that a player turns',
    clips: [
      { why: '', frames: 24 },
      { is: { size: '180x320', rotate: 90 }, why: 'rotated by', frames: 24 },
      { is: { rotate: 180 }, why: 'rotated by 180 degrees', frames: 24 },
      { is: { rotate: 270 }, why: 'rotated by', frames: 24, bars: 'sides' },
    ],
    result: HD24,
  },
  {
    what: 'odd sizes only',
    clips: [
      { is: { size: '321x181', pixelFormat: 'yuv444p', extra: ['-profile:v', 'high444'] }, why: 'yuv444p', frames: 24 },
      { is: { size: '321x181', pixelFormat: 'yuv444p', extra: ['-profile:v', 'high444'] }, why: 'yuv444p', frames: 24 },
    ],
    result: HD24,
  },
  {
    what: 'a rate that varies',
    clips: [
      { is: { extra: VARIABLE_RATE, sound }, why: 'variable frame rate', frames: 24, heard: 'tone' },
      { is: { sound }, why: '', frames: 24, heard: 'tone' },
    ],
    result: { ...HD24, sound: STEREO },
  },
  {
    what: 'only rates that vary',
    clips: [
      { is: { extra: VARIABLE_RATE }, why: 'variable frame rate', frames: 24 },
      { is: { extra: VARIABLE_RATE }, why: 'variable frame rate', frames: 24 },
    ],
    result: HD24,
  },
  {
    what: '10 bit',
    clips: [
      { why: '', frames: 24 },
      { is: TEN_BIT, why: '10 bit', frames: 24 },
    ],
    result: HD24,
  },
  {
    what: 'high dynamic range of both kinds',
    clips: [
      { why: '', frames: 24 },
      { is: HLG, why: 'BT.2020/HLG', frames: 24 },
      { is: PQ, why: 'BT.2020/PQ', frames: 24 },
    ],
    result: HD24,
  },
  {
    what: 'three profiles, and one that browsers do not play',
    clips: [
      { is: { extra: ['-profile:v', 'main'] }, why: 'profile Main instead of High', frames: 24 },
      { why: '', frames: 24 },
      { is: { extra: ['-profile:v', 'baseline'] }, why: 'profile Baseline instead of High', frames: 24 },
      { why: '', frames: 24 },
      { is: { extra: ['-profile:v', 'high444', '-qp', '0'] }, why: 'profile High 4:4:4 Predictive', frames: 24 },
    ],
    result: HD24,
  },
  {
    what: 'Baseline without B frames, and a clip encoded like it',
    clips: [
      { is: { extra: ['-profile:v', 'baseline'] }, why: '', frames: 24 },
      { is: { extra: ['-preset', 'slow'] }, why: 'profile High instead of Baseline', frames: 24 },
      { is: { extra: ['-profile:v', 'baseline'] }, why: '', frames: 24 },
    ],
    result: HD24,
  },
  {
    what: 'copies with and without B frames and an encoded one',
    clips: [
      { is: { extra: ['-bf', '0'] }, why: '', frames: 24 },
      { is: { extra: ['-preset', 'slow', '-bf', '3', '-refs', '5'] }, why: '', frames: 24 },
      { is: { ...small }, why: 'size', frames: 24 },
      { is: { extra: ['-bf', '0'] }, why: '', frames: 24 },
    ],
    result: HD24,
  },
  {
    what: 'time bases',
    clips: [
      { why: '', frames: 24, heard: 'silence' },
      { is: { timescale: 12_288, sound }, why: 'time base 1/12288 instead of 1/24000', frames: 24, heard: 'tone' },
      { is: { timescale: 600, extra: ['-preset', 'slow'] }, why: 'time base 1/600', frames: 24, heard: 'silence' },
      { why: '', frames: 24, heard: 'silence' },
    ],
    result: { ...HD24, sound: STEREO },
  },
  {
    what: 'sounds of other rates and channels',
    clips: [
      { is: { sound: { seconds: 1, sampleRate: 44_100, channels: 1 } }, why: '', frames: 24, heard: 'tone' },
      { is: { sound }, why: '', frames: 24, heard: 'tone' },
      { is: { sound: { seconds: 1, sampleRate: 22_050, channels: 2 } }, why: '', frames: 24, heard: 'tone' },
      { is: { sound: { seconds: 1, channels: 6 } }, why: '', frames: 24, heard: 'tone' },
    ],
    result: { ...HD24, sound: { sampleRate: 48_000, channels: 2 } },
  },
  {
    what: 'sounds that are shorter and longer than pictures that are encoded',
    clips: [
      { is: { rate: '25', sound: { seconds: 0.5 } }, why: 'frame rate 25', frames: 24, heard: 'tone, then silence' },
      { why: '', frames: 24, heard: 'silence' },
      { is: { rate: '30', sound: { seconds: 1.7 } }, why: 'frame rate 30', frames: 24, heard: 'tone' },
      { why: '', frames: 24, heard: 'silence' },
    ],
    result: { ...HD24, sound: STEREO },
  },
  {
    what: 'a sound before its picture, and one that is the first stream',
    clips: [
      { is: { sound }, why: '', frames: 24, heard: 'tone' },
      { is: { sound: { seconds: 0.9 }, latePicture: 0.4 }, why: 'begins 0.4', frames: 24, heard: 'tone, then silence' },
      { is: { sound, soundFirst: true }, why: 'not its first stream', frames: 24, heard: 'tone' },
      { why: '', frames: 24, heard: 'silence' },
    ],
    result: { ...HD24, sound: STEREO },
  },
  {
    what: 'pixels that are not square, a full range, and other colours',
    clips: [
      {
        is: { extra: ['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709'] },
        why: '',
        frames: 24,
      },
      { is: { size: '240x180', extra: ['-vf', 'setsar=4/3'] }, why: 'pixels of shape 4:3', frames: 24 },
      { is: { pixelFormat: 'yuvj420p' }, why: 'yuvj420p', frames: 24 },
      { is: { extra: ['-colorspace', 'smpte170m'] }, why: 'colours of smpte170m instead of bt709', frames: 24 },
    ],
    result: HD24,
  },
  {
    what: 'other codecs and containers',
    clips: [
      { why: '', frames: 24, heard: 'silence' },
      {
        is: { container: 'webm', extra: ['-c:v', 'libvpx-vp9', '-cpu-used', '8'] },
        why: 'codec vp9',
        frames: 24,
        heard: 'silence',
      },
      { is: { extra: ['-c:v', 'mpeg4'] }, why: 'codec mpeg4 instead of h264', frames: 24, heard: 'silence' },
      { is: { container: 'mkv', sound: { seconds: 1.5 } }, why: 'time base 1/1000', frames: 24, heard: 'tone' },
    ],
    result: { ...HD24, sound: STEREO },
  },
  {
    what: 'frames that an edit list hides, and half pictures',
    clips: [
      { why: '', frames: 24 },
      { is: { hidden: 0.25, extra: ['-g', '48'] }, why: 'edit list', frames: 18 },
      {
        is: { extra: ['-flags', '+ilme+ildct', '-x264-params', 'tff=1', '-vf', 'setfield=tff'] },
        why: 'interlaced',
        frames: 24,
      },
      { why: '', frames: 24 },
    ],
    result: HD24,
  },
  {
    what: 'an ordered size and rate',
    order: { size: { width: 200, height: 200 }, frameRate: { num: 25, den: 1 } },
    clips: [
      { is: { sound }, why: 'frame rate 24 instead of 25', frames: 25, bars: 'above and below', heard: 'tone' },
      { is: { size: '200x200', rate: '25', sound }, why: '', frames: 25, heard: 'tone' },
    ],
    result: { size: '200x200', rate: '25/1', sound: STEREO },
  },
  {
    what: 'an order of silence',
    order: { sound: 'none' },
    clips: [
      { is: { sound }, why: '', frames: 24 },
      { is: { ...small, sound }, why: 'size', frames: 24 },
    ],
    result: HD24,
  },
];
