import { VARIABLE_RATE } from './clip-variants.js';
import { HD24, type Mixture, STEREO } from './mixture.js';

const veo = { seconds: 2, sound: { seconds: 2 } };
const hailuo = { seconds: 2, size: '228x128', rate: '25' };
/** A key frame each half second. */
const short = { seconds: 2, extra: ['-g', '12'] };
const ONE_KEY = 'no key frame between its seams';

/** Clips that differ, with seams between them. Colours are given to the clips by their places. */
export const MIXTURES_OF_SEAMS: Mixture[] = [
  {
    what: 'clips with sound and without, crossfaded',
    order: { transition: 'crossfade' },
    clips: [
      { is: veo, why: ONE_KEY, frames: 48, heard: 'tone' },
      { is: hailuo, why: 'frame rate 25', frames: 48, heard: 'silence' },
      { is: veo, why: ONE_KEY, frames: 48, heard: 'tone' },
      { is: hailuo, why: 'frame rate 25', frames: 48, heard: 'silence' },
    ],
    result: { ...HD24, sound: STEREO },
  },
  {
    what: 'clips with sound and without, through black',
    order: { transition: 'fade' },
    clips: [
      { is: hailuo, why: 'frame rate 25', frames: 48, heard: 'silence' },
      { is: veo, why: ONE_KEY, frames: 48, heard: 'tone' },
      { is: veo, why: ONE_KEY, frames: 48, heard: 'tone' },
    ],
    result: { ...HD24, sound: STEREO },
  },
  {
    what: 'many key frames, crossfaded',
    order: { transition: 'crossfade' },
    clips: [
      { is: short, why: 'frames 36 to 47 belong to seams', frames: 48 },
      { is: { ...short, timescale: 12_288 }, why: 'frames 0 to 11 and 36 to 47', frames: 48 },
      { is: { ...short, seconds: 1.5 }, why: 'frames 0 to 11 and 24 to 35', frames: 36 },
      { is: short, why: 'frames 0 to 11 belong to seams', frames: 48 },
    ],
    result: HD24,
  },
  {
    what: 'many key frames and sounds, through black',
    order: { transition: 'fade' },
    clips: [
      { is: { ...short, ...veo }, why: 'frames 36 to 47 belong to seams', frames: 48, heard: 'tone' },
      { is: { ...short, sound: { seconds: 1 } }, why: 'frames 0', frames: 48, heard: 'tone, then silence' },
      { is: short, why: 'frames 0 to 11 belong to seams', frames: 48, heard: 'silence' },
    ],
    result: { ...HD24, sound: STEREO },
  },
  {
    what: 'three rates, crossfaded',
    order: { transition: 'crossfade' },
    clips: [
      { is: { ...short, rate: '25' }, why: 'frames 36 to 49', frames: 50 },
      { is: { ...short, rate: '30' }, why: 'frame rate 30', frames: 50 },
      { is: { ...short, rate: '25' }, why: 'frames 0 to 23 and 36 to 49', frames: 50 },
      { is: { ...short, extra: VARIABLE_RATE }, why: 'variable frame rate', frames: 50 },
    ],
    result: { size: '320x180', rate: '25/1' },
  },
  {
    what: 'a clip as long as both of its seams, crossfaded',
    order: { transition: 'crossfade' },
    clips: [
      { is: veo, why: ONE_KEY, frames: 48, heard: 'tone' },
      { is: { seconds: 1 }, why: ONE_KEY, frames: 24 },
      { is: veo, why: ONE_KEY, frames: 48, heard: 'tone' },
    ],
    result: { ...HD24, sound: STEREO },
  },
  {
    what: 'shapes and a turned clip, crossfaded',
    order: { transition: 'crossfade' },
    clips: [
      { is: short, why: 'belong to seams', frames: 48 },
      { is: { seconds: 2, size: '180x320' }, why: 'size 180x320', frames: 48, bars: 'sides' },
      { is: { seconds: 2, rotate: 180 }, why: 'rotated by 180 degrees', frames: 48 },
    ],
    result: HD24,
  },
  {
    what: 'one clip, crossfaded with nothing',
    order: { transition: 'crossfade' },
    clips: [{ is: veo, why: '', frames: 48, heard: 'tone' }],
    result: { ...HD24, sound: STEREO },
  },
];
