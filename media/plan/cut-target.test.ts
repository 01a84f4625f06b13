import { describe, expect, it } from 'vitest';
import { probed, type Unlike } from '../test-support/probed-clips.js';
import { type CutOrder, planCut } from './cut-plan.js';

const plan = (clips: Unlike[], order?: CutOrder) =>
  planCut(
    clips.map((clip, index) => ({ number: index + 1, probe: probed(clip) })),
    order,
  );
const rate = (num: number, den = 1) => ({ frameRate: { num, den } });
const small = { width: 1366, height: 768 };
const NTSC = rate(24_000, 1001);

describe('the target of a plan', () => {
  it.each<{ what: string; clips: Unlike[]; order?: CutOrder; target: object }>([
    { what: 'that of clips that are alike', clips: [{}, {}], target: { width: 1920, height: 1080, ...rate(24) } },
    {
      what: 'the most common, not the first',
      clips: [{ video: small }, {}, {}],
      target: { width: 1920, height: 1080 },
    },
    {
      what: 'the earliest of those that are as common',
      clips: [{ video: { ...small, ...rate(25) } }, {}],
      target: { ...small, ...rate(25) },
    },
    {
      what: 'an ordered size at the most common rate',
      clips: [{}, { video: rate(25) }, { video: { ...small, ...rate(25) } }],
      order: { size: { width: 1280, height: 720 } },
      target: { width: 1280, height: 720, ...rate(25) },
    },
    {
      what: 'an ordered rate at the most common size',
      clips: [{ video: small }, {}, {}],
      order: rate(30),
      target: { width: 1920, height: 1080, ...rate(30) },
    },
    {
      what: 'a size as shown',
      clips: [{ video: { rotation: 90 } }, { video: { rotation: 270 } }, {}],
      target: { width: 1080, height: 1920 },
    },
    { what: 'even', clips: [{ video: { width: 1367, height: 769 } }], target: small },
    {
      what: 'in square pixels',
      clips: [{ video: { width: 1440, sampleAspectRatio: '4:3' } }],
      target: { width: 1920, height: 1080 },
    },
    {
      what: 'at the rate of clips that have one',
      clips: [{ scan: { steady: false } }, { scan: { steady: false } }, { video: rate(30) }],
      target: rate(30),
    },
    {
      what: 'at the next usual rate where all rates vary',
      clips: [{ scan: { steady: false, frames: 215, seconds: 8 } }],
      target: rate(30),
    },
    {
      what: 'of the profile and clock of most clips that can be copied',
      clips: [
        { video: { codec: 'hevc', profile: 'Main', timeBase: { num: 1, den: 90_000 } } },
        { video: { profile: 'Main', timeBase: { num: 1, den: 12_288 } } },
        { video: { profile: 'Constrained Baseline' } },
        { video: { profile: 'Baseline' } },
      ],
      target: { profile: 'Baseline', timeBase: { num: 1, den: 24_000 } },
    },
    {
      what: 'H.264 High with whole ticks where no clip can be copied',
      clips: [{ video: { codec: 'vp9', profile: 'Profile 0', timeBase: { num: 1, den: 1000 }, ...rate(25) } }],
      target: { codec: 'h264', profile: 'High', timeBase: { num: 1, den: 25_000 }, matrix: 'bt709' },
    },
    {
      what: 'with whole ticks for a rate of a fraction',
      clips: [{ video: { codec: 'vp9', ...NTSC } }],
      target: { timeBase: { num: 1, den: 24_000 } },
    },
  ])('is $what', ({ clips, order, target }) => {
    expect(plan(clips, order).target).toMatchObject(target);
  });
});
