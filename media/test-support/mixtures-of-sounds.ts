import { HD24, type Mixture, STEREO, small, sound } from './mixture.js';

/** Sounds that differ. Colours are given to the clips by their places. */
export const MIXTURES_OF_SOUNDS: Mixture[] = [
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
    what: 'an order of silence',
    order: { sound: 'none' },
    clips: [
      { is: { sound }, why: '', frames: 24 },
      { is: { ...small, sound }, why: 'size', frames: 24 },
    ],
    result: HD24,
  },
];
