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

describe('what a plan does with a clip', () => {
  it.each<{ what: string; clip: Unlike; action: string; reasons: string[] }>([
    { what: 'is alike', clip: {}, action: 'copy', reasons: [] },
    { what: 'is only longer', clip: { scan: { seconds: 10 } }, action: 'copy', reasons: [] },
    { what: 'has sound', clip: { audio: {} }, action: 'copy', reasons: [] },
    {
      what: 'has its clock late',
      clip: { startSeconds: 0.5, scan: { startSeconds: 0.5 } },
      action: 'copy',
      reasons: [],
    },
    {
      what: 'is of a constrained form of the profile',
      clip: { video: { profile: 'Constrained High' } },
      action: 'copy',
      reasons: [],
    },
    {
      what: 'has another clock',
      clip: { video: { timeBase: { num: 1, den: 12_288 } } },
      action: 'rewrap',
      reasons: ['time base 1/12288 instead of 1/24000'],
    },
    {
      what: 'has its sound first',
      clip: { scan: { streamIndex: 1 } },
      action: 'rewrap',
      reasons: ['the picture is not its first stream'],
    },
    {
      what: 'begins with sound alone',
      clip: { audio: {}, scan: { startSeconds: 0.021 } },
      action: 'rewrap',
      reasons: ['the picture begins 0.021 s after the sound'],
    },
    { what: 'has another rate', clip: { video: rate(25) }, action: 'encode', reasons: ['frame rate 25 instead of 24'] },
    {
      what: 'has a rate that is nearly the same',
      clip: { video: NTSC },
      action: 'encode',
      reasons: ['frame rate 23.976 instead of 24'],
    },
    {
      what: 'is smaller',
      clip: { video: small },
      action: 'encode',
      reasons: ['size 1366x768 instead of 1920x1080'],
    },
    {
      what: 'has another codec',
      clip: { video: { codec: 'hevc', profile: 'Main' } },
      action: 'encode',
      reasons: ['codec hevc instead of h264'],
    },
    {
      what: 'has another profile',
      clip: { video: { profile: 'Main' } },
      action: 'encode',
      reasons: ['profile Main instead of High'],
    },
    { what: 'is turned', clip: { video: { rotation: 180 } }, action: 'encode', reasons: ['rotated by 180 degrees'] },
    {
      what: 'has pixels that are not square',
      clip: { video: { sampleAspectRatio: '4:3' } },
      action: 'encode',
      reasons: ['pixels of shape 4:3'],
    },
    {
      what: 'has another pixel format',
      clip: { video: { pixelFormat: 'yuv444p' } },
      action: 'encode',
      reasons: ['pixel format yuv444p instead of yuv420p'],
    },
    {
      what: 'has 10 bit',
      clip: { video: { pixelFormat: 'yuv420p10le', profile: 'High 10' } },
      action: 'encode',
      reasons: ['profile High 10 instead of High', '10 bit'],
    },
    {
      what: 'has high dynamic range',
      clip: { video: { colour: { transfer: 'arib-std-b67', primaries: 'bt2020', matrix: 'bt2020nc' } } },
      action: 'encode',
      reasons: ['BT.2020/HLG'],
    },
    {
      what: 'uses the full range of brightness',
      clip: { video: { colour: { range: 'pc' } } },
      action: 'encode',
      reasons: ['full range of brightness'],
    },
    { what: 'holds half pictures', clip: { video: { interlaced: true } }, action: 'encode', reasons: ['interlaced'] },
    {
      what: 'has a rate that varies',
      clip: { video: rate(19), scan: { steady: false } },
      action: 'encode',
      reasons: ['variable frame rate'],
    },
    {
      what: 'hides frames',
      clip: { scan: { hiddenFrames: 3 } },
      action: 'encode',
      reasons: ['frames hidden by an edit list'],
    },
    {
      what: 'begins in the middle of something',
      clip: { scan: { startsWithKeyFrame: false } },
      action: 'encode',
      reasons: ['no key frame at its beginning'],
    },
    {
      what: 'differs in two ways, one of which a container would mend',
      clip: { video: { ...rate(25), timeBase: { num: 1, den: 12_800 } } },
      action: 'encode',
      reasons: ['frame rate 25 instead of 24'],
    },
  ])('that $what', ({ clip, action, reasons }) => {
    expect(plan([{}, clip, {}]).clips[1]).toMatchObject({ action, reasons });
  });

  it('says nothing of colours where a picture states none, and compares those that are stated', () => {
    const tagged = { video: { colour: { matrix: 'bt709' } } };
    const other = { video: { colour: { matrix: 'smpte170m' } } };
    const { target, clips } = plan([tagged, {}, other, tagged]);
    expect(target.matrix).toBe('bt709');
    expect(clips.map(({ reasons }) => reasons)).toEqual([[], [], ['colours of smpte170m instead of bt709'], []]);
  });
});

describe('times in a plan', () => {
  it('are counted in frames from the beginning', () => {
    const clips: Unlike[] = [{}, { video: rate(25), scan: { seconds: 5.98 } }, { video: rate(30) }, {}];
    const { clips: planned, frames, durationSeconds } = plan(clips);
    expect(planned.map(({ firstFrame, frames: own }) => [firstFrame, own])).toEqual([
      [0, 192],
      [192, 144],
      [336, 192],
      [528, 192],
    ]);
    expect(planned.map(({ beginSeconds, pictureSeconds }) => [beginSeconds, pictureSeconds])).toEqual([
      [0, 8],
      [8, 6],
      [14, 8],
      [22, 8],
    ]);
    expect([frames, durationSeconds]).toEqual([720, 30]);
  });

  it('do not drift at a rate of a fraction', () => {
    const { clips, durationSeconds } = plan(
      Array.from({ length: 7 }, () => ({ video: NTSC, scan: { seconds: 1.001 } })),
    );
    expect(clips.map(({ beginSeconds }) => beginSeconds)).toEqual([0, 1.001, 2.002, 3.003, 4.004, 5.005, 6.006]);
    expect(durationSeconds).toBe(7.007);
  });

  it('leave at least one frame of the shortest clip', () => {
    const { clips } = plan([{}, {}, { video: rate(100), scan: { seconds: 0.01, frames: 1 } }]);
    expect(clips[2]).toMatchObject({ action: 'encode', frames: 1 });
  });
});

describe('the place of a picture that is encoded', () => {
  it.each([
    { video: { width: 1366, height: 768 }, placed: { width: 1920, height: 1080, x: 0, y: 0 } },
    { video: { width: 1080, height: 1920 }, placed: { width: 608, height: 1080, x: 656, y: 0 } },
    { video: { rotation: 90 }, placed: { width: 608, height: 1080, x: 656, y: 0 } },
    { video: { width: 1440 }, placed: { width: 1440, height: 1080, x: 240, y: 0 } },
    { video: { width: 1280, height: 534 }, placed: { width: 1920, height: 800, x: 0, y: 140 } },
    { video: { width: 960, sampleAspectRatio: '2:1' }, placed: { width: 1920, height: 1080, x: 0, y: 0 } },
    { video: { width: 2, height: 2000 }, placed: { width: 2, height: 1080, x: 958, y: 0 } },
  ])('fits $video without stretching', ({ video, placed }) => {
    expect(plan([{}, { video }, {}]).clips[1]?.placed).toEqual(placed);
  });
});

describe('sound in a plan', () => {
  it.each<{ what: string; clips: Unlike[]; order?: CutOrder; sound: unknown; parts: string[] }>([
    { what: 'none where no clip has any', clips: [{}, {}], sound: undefined, parts: ['none', 'none'] },
    {
      what: 'silence for the clips without',
      clips: [{}, { audio: {} }],
      sound: { sampleRate: 48_000, channels: 2 },
      parts: ['silence', 'own'],
    },
    {
      what: 'none where the order wants none',
      clips: [{}, { audio: {} }],
      order: { sound: 'none' },
      sound: undefined,
      parts: ['none', 'none'],
    },
    {
      what: 'of the most common rate, mono where all are',
      clips: [
        { audio: { sampleRate: 48_000, channels: 1 } },
        ...[1, 2].map(() => ({ audio: { sampleRate: 44_100, channels: 1 } })),
      ],
      sound: { sampleRate: 44_100, channels: 1 },
      parts: ['own', 'own', 'own'],
    },
    {
      what: 'of a rate and channels that every player plays',
      clips: [{ audio: { sampleRate: 96_000, channels: 6 } }, { audio: { sampleRate: 96_000, channels: 1 } }],
      sound: { sampleRate: 48_000, channels: 2 },
      parts: ['own', 'own'],
    },
  ])('is $what', ({ clips, order, sound, parts }) => {
    const planned = plan(clips, order);
    expect(planned.sound).toEqual(sound);
    expect(planned.clips.map((clip) => clip.sound)).toEqual(parts);
  });
});

describe('a plan', () => {
  it('is plain JSON', () => {
    const made = plan([{ audio: {} }, { video: { ...small, colour: { range: 'tv' } } }]);
    expect(JSON.parse(JSON.stringify(made))).toEqual(made);
  });

  it('is refused for a clip without a picture or without frames, by its number', () => {
    const { video: _, scan: __, ...soundOnly } = probed({ audio: {} });
    const clips = [
      { number: 4, probe: probed() },
      { number: 7, probe: soundOnly },
    ];
    expect(() => planCut(clips)).toThrowError(
      expect.objectContaining({
        code: 'MEDIA_UNREADABLE',
        message: 'clip 7 was expected to have a video stream, and has only aac sound',
        details: expect.objectContaining({ clip: 7 }),
      }),
    );
    expect(() => plan([{}, { scan: { frames: 0, seconds: 0 } }])).toThrowError(
      expect.objectContaining({ message: 'clip 2 was expected to have a picture, and has no frames' }),
    );
  });

  it('is refused for no clips, and for an ordered size that is odd', () => {
    expect(() => plan([])).toThrow(RangeError);
    expect(() => plan([{}], { size: { width: 1921, height: 1080 } })).toThrow('an even width and height');
  });
});
