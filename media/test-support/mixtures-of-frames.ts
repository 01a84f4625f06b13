import { VARIABLE_RATE } from './clip-variants.js';
import { HD24, type Mixture, STEREO, small, sound } from './mixture.js';

/** Sizes, shapes and rates that differ. Colours are given to the clips by their places. */
export const MIXTURES_OF_FRAMES: Mixture[] = [
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
    what: 'an ordered size and rate',
    order: { size: { width: 200, height: 200 }, frameRate: { num: 25, den: 1 } },
    clips: [
      { is: { sound }, why: 'frame rate 24 instead of 25', frames: 25, bars: 'above and below', heard: 'tone' },
      { is: { size: '200x200', rate: '25', sound }, why: '', frames: 25, heard: 'tone' },
    ],
    result: { size: '200x200', rate: '25/1', sound: STEREO },
  },
];
