import { describe, expect, it } from 'vitest';
import { concatScript, joinArgs } from './join-args.js';

const clip = { path: '/clips/a.mp4', pictureSeconds: 8.008, startSeconds: 0, sampleRate: 48_000 };

describe('concatScript', () => {
  it('quotes names and states the length of each picture', () => {
    expect(concatScript([clip, { ...clip, path: "/clips/it's.mp4", pictureSeconds: 4 }])).toBe(
      [
        'ffconcat version 1.0',
        "file 'file:/clips/a.mp4'",
        'duration 8.008000',
        "file 'file:/clips/it'\\''s.mp4'",
        'duration 4.000000',
        '',
      ].join('\n'),
    );
  });
});

describe('joinArgs', () => {
  it('opens every input with both allow-lists', () => {
    const args = joinArgs([clip, clip], '/cut/list', '/cut/out.mp4');
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
    const third = { ...clip, pictureSeconds: 1 / 3, sampleRate: 44_100 / 4 };
    const filter = joinArgs([third, third, third, third], '/cut/list', '/cut/out.mp4').find((arg) =>
      arg.includes('whole_len'),
    );
    const lengths = [...(filter ?? '').matchAll(/whole_len=(\d+)/g)].map((match) => Number(match[1]));
    expect(lengths).toEqual([3675, 3675, 3675, 3675]);
    const odd = { ...clip, pictureSeconds: 0.1, sampleRate: 11_025 };
    const oddFilter = joinArgs([odd, odd], '/cut/list', '/cut/out.mp4').find((arg) => arg.includes('whole_len'));
    const oddLengths = [...(oddFilter ?? '').matchAll(/whole_len=(\d+)/g)].map((match) => Number(match[1]));
    expect(oddLengths).toEqual([1103, 1102]);
  });
});
