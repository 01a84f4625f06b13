import { describe, expect, it } from 'vitest';
import type { JoinPart } from './clips-sound.js';
import { concatScript, type Join, joinArgs } from './join-args.js';

/** Clips of so many frames each, one behind the other. */
function joinOf(
  frameRate: Join['frameRate'],
  counts: number[],
  { path = '/clips/a.mp4', ...sounding }: Pick<JoinPart, 'sound'> & { path?: string } = {},
): Join {
  let firstFrame = 0;
  const places = counts.map((frames) => {
    const place = { firstFrame, frames };
    firstFrame += frames;
    return place;
  });
  return {
    pictures: places.map((place) => ({ path, ...place })),
    parts: places.map((place) => ({ ...place, ...sounding })),
    frameRate,
  };
}

const NTSC = { num: 24_000, den: 1001 };
const sound = { path: '/clips/a.mp4', channels: 2, pictureStartSeconds: 0 };

function filterOf(join: Join): string {
  const args = joinArgs(join, '/cut/list', '/cut/out.mp4');
  return args[args.indexOf('-filter_complex') + 1] ?? '';
}

describe('concatScript', () => {
  it('quotes names and states the length of each picture', () => {
    expect(concatScript(joinOf(NTSC, [192, 96], { path: "/clips/it's.mp4" }))).toBe(
      [
        'ffconcat version 1.0',
        "file 'file:/clips/it'\\''s.mp4'",
        'duration 8.008000',
        "file 'file:/clips/it'\\''s.mp4'",
        'duration 4.004000',
        '',
      ].join('\n'),
    );
  });

  it('never lets the rounding to microseconds add up', () => {
    const script = concatScript(joinOf({ num: 30, den: 1 }, Array<number>(9).fill(1)));
    const lengths = [...script.matchAll(/duration ([\d.]+)/g)].map((match) => Math.round(Number(match[1]) * 1e6));
    expect(new Set(lengths)).toEqual(new Set([33_333, 33_334]));
    expect(lengths.reduce((sum, length) => sum + length)).toBe(300_000);
  });

  it('refuses a name with a line break', () => {
    expect(() => concatScript(joinOf(NTSC, [1], { path: '/a\nb' }))).toThrow(RangeError);
  });
});

describe('joinArgs', () => {
  it('opens every input with both allow-lists', () => {
    const join = { ...joinOf(NTSC, [1, 1], { sound }), sound: { sampleRate: 48_000, channels: 2 as const } };
    const args = joinArgs(join, '/cut/list', '/cut/out.mp4');
    const inputs = args.flatMap((arg, index) => (arg === '-i' ? [index] : []));
    expect(inputs).toHaveLength(3);
    let from = 0;
    for (const at of inputs) {
      expect(args.slice(from, at)).toEqual(
        expect.arrayContaining(['-protocol_whitelist', 'file,pipe', '-format_whitelist']),
      );
      from = at;
    }
  });

  it('never lets the rounding to samples add up', () => {
    const rate = { num: 30_000, den: 1001 };
    const silent = { ...joinOf(rate, [1, 1, 1, 1, 1]), sound: { sampleRate: 44_100, channels: 2 as const } };
    const sounding = { ...silent, parts: silent.parts.map((part) => ({ ...part, sound })) };
    for (const [join, length] of [[silent, /end_sample=(\d+)/g] as const, [sounding, /whole_len=(\d+)/g] as const]) {
      const lengths = [...filterOf(join).matchAll(length)].map((match) => Number(match[1]));
      expect(lengths).toEqual([1471, 1472, 1471, 1472, 1471]);
    }
  });

  it('takes sounds only from parts that have one, and none where the result has none', () => {
    const { pictures, parts: silent } = joinOf(NTSC, [24, 24]);
    const [first, second] = silent as [JoinPart, JoinPart];
    const parts = [first, { ...second, sound }];
    const filter = filterOf({ pictures, parts, frameRate: NTSC, sound: { sampleRate: 48_000, channels: 2 } });
    expect(filter).toMatch(/^anullsrc=r=48000:cl=stereo,atrim=end_sample=48048\[s0\];\[1:a:0\]/);
    const without = joinArgs({ pictures, parts, frameRate: NTSC }, '/cut/list', '/cut/out.mp4');
    expect(without.filter((arg) => arg === '-i')).toHaveLength(1);
    expect(without).toContain('-an');
  });
});
