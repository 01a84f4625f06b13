import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CutOrder, CutPlan } from '../plan/cut-plan.js';
import type { MediaProbe } from '../probe/media-probe.js';
import { frameHashes, mediaFolder, tools } from '../test-support/media-files.js';
import { heardThrough, makeHeardClip, makeSound } from '../test-support/music-files.js';
import { seenLoudness } from '../test-support/seen-loudness.js';
import { cutClips } from './cut-clips.js';
import { runCut } from './run-cut.js';

const folder = mediaFolder();
const HIGH = 'bandpass=f=6000:width_type=h:w=400,bandpass=f=6000:width_type=h:w=400';
let silent: string;
let spoken: string;
let rumbling: string;
let high: string;
let runs = 0;

beforeAll(async () => {
  silent = await makeHeardClip(folder.path('silent.mp4'), { seconds: 4 });
  spoken = await makeHeardClip(folder.path('spoken.mp4'), { seconds: 4, like: 'speech' });
  rumbling = await makeHeardClip(folder.path('rumbling.mp4'), { seconds: 4, like: 'rumble' });
  high = await makeSound(folder.path('high.wav'), 'high', { seconds: 20 });
});

async function cut(inputs: string[], music?: string, order?: CutOrder) {
  runs += 1;
  const [workDir, output] = [folder.path(`work-${runs}`), folder.path(`video-${runs}.mp4`)];
  await mkdir(workDir);
  let plan = undefined as CutPlan | undefined;
  const given = music === undefined ? undefined : { path: music };
  const onPlan = (made: CutPlan): void => void (plan = made);
  const seen: MediaProbe = await cutClips(tools, { inputs, output, workDir, order, onPlan, music: given });
  expect(await readdir(workDir)).toEqual([]);
  return { output, seen, plan: plan as CutPlan };
}

describe('music under silent clips', () => {
  it.each([
    { what: 'trimmed', name: 'long.mp3', seconds: 11, sampleRate: 44_100, channels: 2 as const, fit: 'trimmed' },
    { what: 'as it is', name: 'equal.wav', seconds: 8, sampleRate: 44_100, channels: 2 as const, fit: 'as long' },
    { what: 'looped', name: 'short.wav', seconds: 3, sampleRate: 32_000, channels: 1 as const, fit: 'looped' },
  ])('is $what to the picture, faded at its ends only, and brought to -14 LUFS', async ({ name, fit, ...options }) => {
    const music = await makeSound(folder.path(name), 'noise', options);
    const { output, seen, plan } = await cut([silent, silent], music);
    expect(plan.music?.fit).toBe(fit);
    expect(seen.audio).toMatchObject({ codec: 'aac', sampleRate: 48_000, channels: 2 });
    const { samples, level, levels } = await heardThrough(output);
    expect(seen.video?.durationSeconds).toBe(8);
    expect(Math.abs(samples.length - 8 * 48_000)).toBeLessThanOrEqual(1024);

    const middle = level(1, 7);
    for (const window of levels(0.5, 7.5, 0.5)) expect(Math.abs(window - middle)).toBeLessThan(2.5);
    // A straight fade of half a second is 14 dB down at its fifth, and 6 dB at its half.
    for (const [from, to, down] of [
      [0.075, 0.125, 14],
      [0.225, 0.275, 6],
      [7.725, 7.775, 6],
      [7.875, 7.925, 14],
    ] as const) {
      expect(Math.abs(level(from, to) - middle + down)).toBeLessThan(3.5);
    }
    const loudness = await seenLoudness(output);
    expect(Math.abs(loudness.lufs + 14)).toBeLessThan(1);
    expect(loudness.peak).toBeLessThanOrEqual(-1);
  });

  it('goes from play to play without a click or a gap', async () => {
    const music = await makeSound(folder.path('tone.wav'), 'low', { seconds: 3, sampleRate: 32_000, channels: 1 });
    const { output, plan } = await cut([silent, silent, silent], music);
    expect(plan.music).toMatchObject({ fit: 'looped', plays: 5, crossfadeSeconds: 0.75 });
    const { levels } = await heardThrough(output, 'highpass=f=4000,highpass=f=4000,highpass=f=4000');
    expect(Math.max(...levels(0, 12, 0.02))).toBeLessThan(-65);
    const heard = await heardThrough(output);
    expect(Math.min(...heard.levels(0.5, 11.5, 0.02))).toBeGreaterThan(-40);
  });

  it('is brought to -14 LUFS below the ceiling where its peaks leave no room', async () => {
    const music = await makeSound(folder.path('knocks.wav'), 'knocks', { seconds: 9 });
    const loudness = await seenLoudness((await cut([silent, silent], music)).output);
    expect(Math.abs(loudness.lufs + 14)).toBeLessThan(1);
    expect(loudness.peak).toBeLessThanOrEqual(-1);
  });

  it('stays silent where it is, and is not made to hiss', async () => {
    for (const like of ['silence', 'hiss'] as const) {
      const music = await makeSound(folder.path(`${like}.wav`), like, { seconds: 5 });
      const { level } = await heardThrough((await cut([silent], music)).output);
      expect(level(0, 4)).toBeLessThan(-60);
    }
  });

  it('is all that is heard where the order drops the sound of the clips', async () => {
    const { output } = await cut([spoken, spoken], high, { sound: 'none' });
    const [all, music] = [await heardThrough(output), await heardThrough(output, HIGH)];
    for (const from of [1, 5])
      expect(Math.abs(all.level(from, from + 2) - music.level(from, from + 2))).toBeLessThan(0.5);
  });
});

describe('music under clips that are heard', () => {
  /** By how much the music is lower in the second clip than in the first. */
  const loweredBy = async (clips: string[]): Promise<number> => {
    const { level } = await heardThrough((await cut(clips, high)).output, HIGH);
    return level(1, 3.5) - level(5.5, 7.4);
  };

  it('becomes quieter while they speak, and only then', async () => {
    const { output } = await cut([silent, spoken, silent], high);
    const { level, levels } = await heardThrough(output, HIGH);
    const [before, during, after] = [levels(0.5, 3.5, 0.5), levels(4.5, 8, 0.5), levels(10, 11.5, 0.5)];
    const usual = level(0.5, 3.5);
    for (const one of [...before, ...after]) expect(Math.abs(one - usual)).toBeLessThan(0.5);
    for (const one of during) expect(one - usual).toBeLessThan(-9);
    for (const one of during) expect(one - usual).toBeGreaterThan(-12);
  });

  it('does so for a quiet voice as for a loud one', async () => {
    const [loud, quiet] = [
      await makeHeardClip(folder.path('loud.mp4'), { seconds: 4, like: 'speech', gainDb: 9 }),
      await makeHeardClip(folder.path('quiet.mp4'), { seconds: 4, like: 'speech', gainDb: -9 }),
    ];
    for (const clip of [loud, quiet]) {
      const lowered = await loweredBy([silent, clip]);
      expect(lowered).toBeGreaterThan(9);
      expect(lowered).toBeLessThan(12);
    }
  });

  it('does not become quieter for rumble', async () => {
    expect(Math.abs(await loweredBy([silent, rumbling]))).toBeLessThan(0.5);
  });

  it('stays somewhat below their sound, and all of it is at -14 LUFS', async () => {
    const music = await makeSound(folder.path('loud-high.wav'), 'high', { seconds: 4, gainDb: 12 });
    const { output } = await cut([rumbling], music);
    const [theirs, own] = [await seenLoudness(output, 'lowpass=f=1000'), await seenLoudness(output, 'highpass=f=2000')];
    expect(Math.abs(theirs.lufs - own.lufs - 4)).toBeLessThan(1);
    const whole = await seenLoudness(output);
    expect(Math.abs(whole.lufs + 14)).toBeLessThan(1);
    expect(whole.peak).toBeLessThanOrEqual(-1);
  });

  it('leaves each clip its place and its picture', async () => {
    const inputs = [silent, spoken, rumbling];
    const [without, music] = [await cut(inputs), await cut(inputs, high)];
    const band = 'lowpass=f=3000,lowpass=f=3000';
    const [plain, mixed] = [await heardThrough(without.output, band), await heardThrough(music.output, band)];
    const after = mixed.levels(4.5, 11.5, 0.25);
    const gains = plain.levels(4.5, 11.5, 0.25).map((level, index) => (after[index] ?? 0) - level);
    expect(Math.max(...gains) - Math.min(...gains)).toBeLessThan(1);
    expect(mixed.level(1, 3.9)).toBeLessThan(mixed.level(5, 7) - 20);
    expect(await frameHashes(music.output)).toEqual(await frameHashes(without.output));
  });

  it('ends with the picture where clips go over into each other', async () => {
    const { output, plan, seen } = await cut([silent, spoken, rumbling], high, { transition: 'crossfade' });
    expect(seen.video?.durationSeconds).toBe(plan.durationSeconds);
    expect(plan.durationSeconds).toBe(11);
    const { samples, level } = await heardThrough(output, HIGH);
    expect(Math.abs(samples.length - 11 * 48_000)).toBeLessThanOrEqual(1024);
    expect(level(10, 10.5) - level(10.9, 11)).toBeGreaterThan(10);
    expect(Math.abs((await seenLoudness(output)).lufs + 14)).toBeLessThan(1);
  });

  it('makes equal bytes of equal inputs', async () => {
    const [first, second] = [await cut([silent, spoken], high), await cut([silent, spoken], high)];
    expect((await readFile(first.output)).equals(await readFile(second.output))).toBe(true);
  });
});

describe('music that cannot be used', () => {
  it('is named as the reason, whether it is seen before or in the run, and leaves nothing behind', async () => {
    const broken = folder.path('broken.mp3');
    await writeFile(broken, 'no music today\n'.repeat(100));
    const refused = { code: 'MEDIA_UNREADABLE', details: { music: true } };
    await expect(cut([silent], broken)).rejects.toMatchObject(refused);

    const { plan } = await cut([silent], high);
    const [workDir, output] = [folder.path('work-broken'), folder.path('never.mp4')];
    await mkdir(workDir);
    const inputs = [{ number: 1, path: silent }];
    await expect(runCut(tools, plan, { inputs, output, workDir, music: { path: broken } })).rejects.toMatchObject(
      refused,
    );
    expect(await readdir(workDir)).toEqual([]);
    expect(await readdir(folder.path())).not.toContain('never.mp4');
  });

  it('is neither forgotten nor added by mistake', async () => {
    const [workDir, output] = [folder.path(), folder.path('never.mp4')];
    const inputs = [{ number: 1, path: silent }];
    const { plan: scored } = await cut([silent], high);
    await expect(runCut(tools, scored, { inputs, output, workDir })).rejects.toThrow(RangeError);
    const { plan } = await cut([silent]);
    await expect(runCut(tools, plan, { inputs, output, workDir, music: { path: high } })).rejects.toThrow(RangeError);
  });
});
