import { HLG, PQ, TEN_BIT } from './clip-variants.js';
import { HD24, type Mixture, STEREO, small, sound } from './mixture.js';

/** Codecs, profiles, pixels, colours and containers that differ. Colours are given to the clips by their places. */
export const MIXTURES_OF_STREAMS: Mixture[] = [
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
];
