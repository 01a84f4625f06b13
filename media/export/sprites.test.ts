import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { allFrames, pixels, psnr } from '../../test/support/frames.js';
import { probe } from '../probe/probe.js';
import { makeClip, mediaFolder, tools } from '../test-support/media-files.js';
import { planSprites, spriteCues, takeSprites } from './sprites.js';

const { path } = mediaFolder();

interface Cue {
  from: number;
  to: number;
  url: string;
  x: number;
  y: number;
  w: number;
  h: number;
}

/** Reads WebVTT as strictly as a browser does: anything unexpected is an error. */
function parseCues(vtt: string): Cue[] {
  const [head, ...blocks] = vtt.trimEnd().split('\n\n');
  expect(head).toBe('WEBVTT');
  return blocks.map((block) => {
    const match = /^(\d\d+:\d\d:\d\d\.\d{3}) --> (\d\d+:\d\d:\d\d\.\d{3})\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$/.exec(
      block,
    );
    if (match === null) throw new Error(`expected a cue, got ${JSON.stringify(block)}`);
    const seconds = (text: string): number => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
    const [x = 0, y = 0, w = 0, h = 0] = match.slice(4).map(Number);
    return { from: seconds(match[1] ?? ''), to: seconds(match[2] ?? ''), url: match[3] ?? '', x, y, w, h };
  });
}

const size = { width: 1920, height: 1080 };

describe('planSprites', () => {
  it.each([
    [0.4, 1, 1, 1],
    [8, 8, 8, 1],
    [12.3, 12, 10, 2],
    [48, 48, 10, 5],
    [100, 100, 10, 10],
    [800, 100, 10, 10],
  ])('gives a video of %s s %s pictures in %s columns and %s rows', (seconds, count, columns, rows) => {
    expect(planSprites(size, seconds)).toMatchObject({ count, columns, rows, tile: { width: 160, height: 90 } });
  });

  it('keeps the shape of an upright video, in even numbers', () => {
    expect(planSprites({ width: 1080, height: 1920 }, 4).tile).toEqual({ width: 160, height: 284 });
  });

  it('refuses a video without a length', () => {
    expect(() => planSprites(size, 0)).toThrow(RangeError);
  });
});

describe('spriteCues', () => {
  it.each([0.4, 8, 12.3, 59.96, 3725.5])(
    'cover %s s from start to end without a gap, each with its own part',
    (seconds) => {
      const plan = planSprites(size, seconds);
      const cues = parseCues(spriteCues(plan, 'sprites.jpg?v=1'));
      expect(cues).toHaveLength(plan.count);
      expect(cues[0]?.from).toBe(0);
      expect(cues.at(-1)?.to).toBeCloseTo(seconds, 3);
      for (const [index, cue] of cues.entries()) {
        if (index > 0) expect(cue.from).toBe(cues[index - 1]?.to);
        expect(cue.to).toBeGreaterThan(cue.from);
        expect(cue.url).toBe('sprites.jpg?v=1');
        expect(cue.x + cue.w).toBeLessThanOrEqual(plan.columns * plan.tile.width);
        expect(cue.y + cue.h).toBeLessThanOrEqual(plan.rows * plan.tile.height);
      }
      expect(new Set(cues.map(({ x, y }) => `${x},${y}`)).size).toBe(plan.count);
    },
  );
});

describe('takeSprites', () => {
  // A picture that moves all the time: a frame beside the right one looks otherwise.
  const moving = { colour: 'testsrc', size: '320x180', extra: ['-vf', 'rotate=a=t*1.7:c=gray,hue=H=t'] };
  let videos: { file: string; seconds: number }[];
  beforeAll(async () => {
    videos = [
      { file: await makeClip(path('whole.mp4'), { ...moving, seconds: 12 }), seconds: 12 },
      { file: await makeClip(path('uneven.mp4'), { ...moving, seconds: 3.6, rate: '30000/1001' }), seconds: 3.6 },
      { file: await makeClip(path('short.mp4'), { ...moving, seconds: 0.3 }), seconds: 0.3 },
    ];
  });

  it('shows in each part of the sheet the frame of its cue’s beginning', async () => {
    for (const { file } of videos) {
      const { video } = await probe(tools, file);
      if (video === undefined) throw new Error('expected a picture');
      const plan = planSprites(video, video.durationSeconds);
      const output = `${file}.jpg`;
      await takeSprites(tools, plan, { input: file, output, frameRate: video.frameRate });
      const sheet = await sharp(output).metadata();
      expect([sheet.width, sheet.height]).toEqual([plan.columns * 160, plan.rows * 90]);
      const frames = await allFrames(file);
      // A cue's time is rounded to milliseconds.
      const at = (seconds: number): number =>
        Math.floor((seconds + 0.001) * (video.frameRate.num / video.frameRate.den));
      for (const { from, x, y, w, h } of parseCues(spriteCues(plan, 'sprites.jpg'))) {
        const tile = await sharp(output).extract({ left: x, top: y, width: w, height: h }).png().toBuffer();
        const [frame, later] = [frames[at(from)], frames[at(from + 0.5)]];
        expect(psnr(await pixels(tile), frame ?? Buffer.alloc(0)), `${file} at ${from}`).toBeGreaterThan(24);
        if (later !== undefined) expect(psnr(await pixels(tile), later)).toBeLessThan(22);
      }
    }
  });

  it('gives equal bytes each time', async () => {
    const [file = ''] = videos.map((one) => one.file);
    const plan = planSprites({ width: 320, height: 180 }, 12);
    const make = async (name: string): Promise<Buffer> => {
      await takeSprites(tools, plan, { input: file, output: path(name), frameRate: { num: 24, den: 1 } });
      return await readFile(path(name));
    };
    expect((await make('one.jpg')).equals(await make('two.jpg'))).toBe(true);
  });
});
