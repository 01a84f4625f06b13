import { describe, expect, it } from 'vitest';
import { type FfmpegProgress, fractionOf, progressReader } from './run-ffmpeg.js';

describe('progressReader', () => {
  it('reads blocks that arrive in pieces, and leaves out what is not known yet', () => {
    const blocks: Partial<FfmpegProgress>[] = [];
    const read = progressReader((block) => blocks.push(block));
    const text =
      'frame=0\nout_time_us=N/A\nprogress=continue\n' +
      'frame=12\nfps=24.0\nout_time_us=-9223372036854775808\nprogress=continue\n' +
      'frame= 24\r\nout_time_us=1000000\nprogress=end\n';
    for (const character of text) read(character);
    expect(blocks).toEqual([{ frames: 0 }, { frames: 12 }, { frames: 24, seconds: 1 }]);
  });
});

describe('progressReader, where filters print between the blocks,', () => {
  it('hands on what is no number of a block', () => {
    const blocks: Partial<FfmpegProgress>[] = [];
    const values: string[] = [];
    const read = progressReader(
      (block) => blocks.push(block),
      (key, value) => values.push(`${key} is ${value}`),
    );
    read('frame=3\ntotal_size=48\nframe:2    pts:1024    pts_time:2\nlavfi.black_start=2\nprogress=end\n');
    expect(blocks).toEqual([{ frames: 3 }]);
    expect(values).toEqual(['total_size is 48', 'lavfi.black_start is 2']);
  });
});

describe('fractionOf', () => {
  it('never goes back, and leaves 1 to the caller', () => {
    const fractions: number[] = [];
    const report = fractionOf(4, (fraction) => fractions.push(fraction));
    for (const seconds of [0, 1, 0.5, 3, 4, 5]) report({ seconds, frames: 0 });
    expect(fractions).toEqual([0, 0.25, 0.25, 0.75, 0.99, 0.99]);
  });
});
