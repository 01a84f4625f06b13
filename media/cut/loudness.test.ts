import { beforeAll, describe, expect, it } from 'vitest';
import { ffmpeg, mediaFolder, tools } from '../test-support/media-files.js';
import { heardThrough, makeSound } from '../test-support/music-files.js';
import { seenLoudness } from '../test-support/seen-loudness.js';
import { levelFilter, measureLoudness, planLevelling } from './loudness.js';

const folder = mediaFolder();
let noise: string;
let knocks: string;

beforeAll(async () => {
  noise = await makeSound(folder.path('noise.wav'), 'noise', { seconds: 6 });
  knocks = await makeSound(folder.path('knocks.wav'), 'knocks', { seconds: 6, gainDb: -9 });
});

/** Does to a file what a plan says, and gives the path of the result. */
async function levelled(path: string, plan: { gainDb: number; limited: boolean }): Promise<string> {
  const output = `${path}.levelled.wav`;
  await ffmpeg('-v', 'error', '-i', path, '-af', levelFilter(plan), '-c:a', 'pcm_f32le', output);
  return output;
}

describe('measureLoudness', () => {
  it('agrees with the standard, reckoned by itself', async () => {
    for (const path of [noise, knocks]) {
      const [ours, theirs] = [await measureLoudness(tools, path), await seenLoudness(path)];
      expect(ours.lufs).toBeCloseTo(theirs.lufs, 0);
      expect(Math.abs(ours.peakDbtp - theirs.peak)).toBeLessThan(0.3);
    }
  });

  it('calls silence the end of its scale', async () => {
    const silence = await makeSound(folder.path('silence.wav'), 'silence', { seconds: 2 });
    expect(await measureLoudness(tools, silence)).toEqual({ lufs: -70, peakDbtp: Number.NEGATIVE_INFINITY });
  });

  it('says so when there is nothing to measure', async () => {
    const run = measureLoudness(tools, folder.path('nowhere.wav'));
    await expect(run).rejects.toMatchObject({ code: 'FFMPEG_FAILED' });
  });
});

describe('planLevelling', () => {
  const plan = async (path: string) => await planLevelling(tools, path, await measureLoudness(tools, path), -14);

  it('brings a sound whose peaks leave room to the loudness by one gain', async () => {
    const made = await plan(noise);
    expect(made).toMatchObject({ limited: false, lufs: -14 });
    const output = await levelled(noise, made);
    expect((await seenLoudness(output)).lufs).toBeCloseTo(-14, 0);
    const after = (await heardThrough(output)).levels(0, 6, 0.5);
    const before = (await heardThrough(noise)).levels(0, 6, 0.5);
    const gains = before.map((level, index) => (after[index] ?? 0) - level);
    for (const gain of gains) expect(gain).toBeCloseTo(made.gainDb, 2);
  });

  it('holds peaks below the ceiling, and gives back the loudness that this takes', async () => {
    const made = await plan(knocks);
    expect(made.limited).toBe(true);
    const seen = await seenLoudness(await levelled(knocks, made));
    expect(seen.peak).toBeLessThan(-1.5);
    expect(Math.abs(seen.lufs + 14)).toBeLessThan(0.5);
    expect(Math.abs(seen.lufs - (made.lufs ?? 0))).toBeLessThan(0.3);
  });

  it('leaves silence and what is nearly silent as it is', async () => {
    for (const like of ['silence', 'hiss'] as const) {
      const path = await makeSound(folder.path(`quiet ${like}.wav`), like, { seconds: 2 });
      expect(await plan(path)).toEqual({ gainDb: 0, limited: false });
    }
  });
});

describe('levelFilter', () => {
  it.each([true, false])('keeps length and place of every sample (limited: %s)', async (limited) => {
    const click = folder.path(`click ${limited}.wav`);
    const source = "aevalsrc='if(eq(n,24000)+eq(n,95999),0.5,0)':s=48000:d=2";
    await ffmpeg('-v', 'error', '-f', 'lavfi', '-i', source, '-c:a', 'pcm_f32le', click);
    const { samples } = await heardThrough(await levelled(click, { gainDb: 0, limited }));
    expect(samples.length).toBe(96_000);
    const loudest = (from: number, to: number) =>
      from + samples.subarray(from, to).reduce((best, one, at, all) => (one > (all[best] ?? 0) ? at : best), 0);
    expect([loudest(0, 50_000), loudest(50_000, 96_000)]).toEqual([24_000, 95_999]);
  });
});
