import { copyFile, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { probe } from '../probe/probe.js';
import { isFaststart } from '../probe/top-level-boxes.js';
import { coloursOf, ffmpeg, frameHashes, loudness, makeClip, mediaFolder, tools } from '../test-support/media-files.js';
import { type CutClipsOptions, cutClips } from './cut-clips.js';

const folder = mediaFolder();
const colours = ['red', 'green', 'blue'] as const;
const SILENCE_DB = -60;
/** The test tone is at -24 dBFS; half of it missing costs 3 dB. */
const LOUD_DB = -25;
let silent: string[];
let sounding: string[];

beforeAll(async () => {
  silent = await Promise.all(colours.map((colour) => makeClip(folder.path(`silent-${colour}.mp4`), { colour })));
  sounding = await Promise.all(
    colours.map((colour) => makeClip(folder.path(`${colour}.mp4`), { colour, sound: { seconds: 1 } })),
  );
});

let tests = 0;
let workDir: string;
let output: string;

beforeEach(async () => {
  tests += 1;
  workDir = folder.path(`work-${tests}`);
  output = folder.path(`joined-${tests}.mp4`);
  await mkdir(workDir);
});

const joined = (inputs: string[], more: Partial<CutClipsOptions> = {}) =>
  cutClips(tools, { inputs, output, workDir, ...more });

async function expectNothingLeft(): Promise<void> {
  expect(await readdir(workDir)).toEqual([]);
  expect(await readdir(folder.path())).not.toContain(output.split('/').at(-1));
}

/** Every frame of the joined clips, which have 24 frames each. */
async function expectColoursInOrder(path: string, order: readonly string[]): Promise<void> {
  expect(await coloursOf(path, order.length * 24)).toEqual(order.flatMap((colour) => Array<string>(24).fill(colour)));
}

describe('a cut of clips that are alike', () => {
  it('joins silent clips frame by frame in their order', async () => {
    const seen = await joined(silent);
    expect(seen.video).toMatchObject({
      durationSeconds: 3,
      frameCount: 72,
      codec: 'h264',
      timeBase: { num: 1, den: 24_000 },
    });
    expect(seen).toMatchObject({ startSeconds: 0, durationSeconds: 3 });
    expect(seen.audio).toBeUndefined();
    await expectColoursInOrder(output, colours);
    expect(await isFaststart(output)).toBe(true);
    expect(await readdir(workDir)).toEqual([]);
  });

  it('joins clips with sound, which lasts exactly as long as the picture', async () => {
    const seen = await joined(sounding.toReversed());
    expect(seen).toMatchObject({
      startSeconds: 0,
      durationSeconds: 3,
      video: { durationSeconds: 3, frameCount: 72 },
      audio: { codec: 'aac', sampleRate: 48_000, channels: 2, durationSeconds: 3 },
    });
    await expectColoursInOrder(output, colours.toReversed());
    for (const from of [0, 0.9, 1.9, 2.5]) expect(await loudness(output, from, 0.5)).toBeGreaterThan(SILENCE_DB);
  });

  it('keeps each sound with its own picture when sounds are shorter or longer than theirs', async () => {
    const [red = '', , blue = ''] = sounding;
    const short = await makeClip(folder.path('short-sound.mp4'), { colour: 'green', sound: { seconds: 0.5 } });
    const long = await makeClip(folder.path('long-sound.mp4'), { colour: 'red', sound: { seconds: 1.4 } });
    const seen = await joined([long, short, blue, red]);
    expect(seen).toMatchObject({ durationSeconds: 4, video: { durationSeconds: 4, frameCount: 96 } });
    expect(seen.audio?.durationSeconds).toBe(4);
    await expectColoursInOrder(output, ['red', 'green', 'blue', 'red']);
    expect(await loudness(output, 1.1, 0.35)).toBeGreaterThan(SILENCE_DB);
    expect(await loudness(output, 1.6, 0.35)).toBeLessThan(SILENCE_DB);
    expect(await loudness(output, 2.05, 0.4)).toBeGreaterThan(SILENCE_DB);
    expect(await loudness(output, 3.5, 0.5)).toBeGreaterThan(SILENCE_DB);
  });

  it('keeps a sound that begins late, and a clip whose clock begins late, in their places', async () => {
    const late = folder.path('late-sound.mp4');
    const picture = ['-i', silent[0] ?? ''];
    const tone = ['-itsoffset', '0.5', '-f', 'lavfi', '-i', 'sine=f=440:r=48000:d=0.5', '-ac', '2'];
    await ffmpeg('-v', 'error', ...picture, ...tone, '-map', '0', '-map', '1', '-c:v', 'copy', '-c:a', 'aac', late);
    const shifted = await makeClip(folder.path('late-clock.mp4'), {
      colour: 'green',
      sound: { seconds: 1 },
      extra: ['-output_ts_offset', '0.5'],
    });
    expect((await probe(tools, shifted)).startSeconds).toBeCloseTo(0.5, 1);
    const seen = await joined([late, shifted, late]);
    expect(seen).toMatchObject({ durationSeconds: 3, video: { durationSeconds: 3, frameCount: 72 } });
    const silentFrom = [0.05, 2.05];
    const soundFrom = [0.6, 1.05, 1.55, 2.6];
    for (const from of silentFrom) expect(await loudness(output, from, 0.35)).toBeLessThan(SILENCE_DB);
    for (const from of soundFrom) expect(await loudness(output, from, 0.35)).toBeGreaterThan(LOUD_DB);
  });

  it('leaves a mono sound as loud as it is beside a stereo one', async () => {
    const mono = await makeClip(folder.path('mono.mp4'), { sound: { seconds: 1, channels: 1 } });
    const [stereo = ''] = sounding;
    await joined([stereo, mono]);
    const own = await Promise.all([stereo, mono].map((path) => loudness(path, 0.2, 0.6)));
    expect(own[1]).not.toBeCloseTo(own[0] ?? 0, 0);
    expect(Math.abs((await loudness(output, 0.2, 0.6)) - (own[0] ?? 0))).toBeLessThan(1);
    expect(Math.abs((await loudness(output, 1.2, 0.6)) - (own[1] ?? 0))).toBeLessThan(1);
  });

  it('does not drift over many clips of a fractional rate', async () => {
    const odd = await makeClip(folder.path('ntsc.mp4'), {
      rate: '30000/1001',
      timescale: 30_000,
      seconds: 0.5,
      sound: { seconds: 0.45, sampleRate: 44_100, channels: 1 },
    });
    const one = await probe(tools, odd);
    const seen = await joined(Array.from({ length: 12 }, () => odd));
    expect(seen.video?.frameCount).toBe(12 * (one.video?.frameCount ?? 0));
    expect(seen.video?.durationSeconds).toBeCloseTo(12 * (one.video?.durationSeconds ?? 0), 4);
    expect(seen.audio?.durationSeconds).toBeCloseTo(12 * (one.video?.durationSeconds ?? 0), 4);
    expect(seen.audio).toMatchObject({ sampleRate: 44_100, channels: 1 });
  });

  it('joins clips of one look whose encoders were set differently', async () => {
    const look = { colour: 'testsrc', seconds: 1 };
    const [fine, coarse] = await Promise.all([
      makeClip(folder.path('fine.mp4'), { ...look, extra: ['-crf', '18', '-refs', '2', '-bf', '2'] }),
      makeClip(folder.path('coarse.mp4'), { ...look, extra: ['-crf', '40', '-refs', '5', '-bf', '3'] }),
    ]);
    const seen = await joined([coarse, fine, coarse]);
    expect(seen.video).toMatchObject({ durationSeconds: 3, frameCount: 72 });
    const [ofCoarse, ofFine] = await Promise.all([frameHashes(coarse), frameHashes(fine)]);
    expect(ofFine).not.toEqual(ofCoarse);
    expect(await frameHashes(output)).toEqual([...ofCoarse, ...ofFine, ...ofCoarse]);
  });

  it('leaves copied frames as they are beside encoded ones', async () => {
    const look = { colour: 'testsrc', seconds: 1 };
    const [copied, slower] = await Promise.all([
      makeClip(folder.path('copied.mp4'), { ...look, extra: ['-bf', '0'] }),
      makeClip(folder.path('slower.mp4'), { ...look, rate: '12' }),
    ]);
    await joined([copied, slower, copied, slower]);
    const [ofCopied, ofOutput] = await Promise.all([frameHashes(copied), frameHashes(output)]);
    expect(ofOutput).toHaveLength(4 * 24);
    expect([ofOutput.slice(0, 24), ofOutput.slice(48, 72)]).toEqual([ofCopied, ofCopied]);
    expect(ofOutput.slice(24, 48)).toEqual(ofOutput.slice(72));
    expect(ofOutput.slice(24, 48)).not.toEqual(ofCopied);
  });

  it('makes a playable file of a single clip', async () => {
    const seen = await joined(sounding.slice(0, 1));
    expect(seen).toMatchObject({ durationSeconds: 1, video: { frameCount: 24 }, audio: { durationSeconds: 1 } });
    await expectColoursInOrder(output, ['red']);
  });

  it('takes any name without a line break', async () => {
    const names = [`it's.mp4`, `a "b" c'.mp4`, ` lead \\ back#.mp4`, `-dash %d.mp4`, `''.mp4`];
    const inputs = names.map((name) => folder.path(name));
    await Promise.all(inputs.map((path) => copyFile(silent[0] ?? '', path)));
    const seen = await joined(inputs, { output: folder.path(`the 'cut'.mp4`) });
    expect(seen.video?.frameCount).toBe(5 * 24);

    const broken = folder.path('line\nbreak.mp4');
    await copyFile(silent[0] ?? '', broken);
    await expect(joined([broken])).rejects.toThrow(RangeError);
    await expectNothingLeft();
  });

  it('carries no metadata, and makes equal bytes of equal clips', async () => {
    const prompt = 'a prompt that nobody else may read';
    const extra = ['-metadata', `comment=${prompt}`, '-metadata:s:v', `handler_name=${prompt}`];
    const telling = await makeClip(folder.path('telling.mp4'), { sound: { seconds: 1 }, extra });
    expect((await readFile(telling)).includes(prompt)).toBe(true);
    await joined([telling, telling]);
    const bytes = await readFile(output);
    expect(bytes.includes(prompt)).toBe(false);
    expect(bytes.includes('Lavf')).toBe(false);
    await joined([telling, telling]);
    expect((await readFile(output)).equals(bytes)).toBe(true);
  });

  it('reports progress that never goes back and says 1 once the result is there', async () => {
    const fractions: number[] = [];
    await joined(sounding, { onProgress: (fraction) => fractions.push(fraction) });
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.length).toBeGreaterThan(1);
    expect(fractions.filter((fraction) => fraction === 1)).toHaveLength(1);
  });
});

describe('a cut refuses', () => {
  it('a clip that lacks frames, and leaves an earlier result as it was', async () => {
    const [red = '', green = ''] = silent;
    const cutOff = await makeClip(folder.path('cut-off.mp4'), { colour: 'testsrc' });
    await truncate(cutOff, Math.floor((await readFile(cutOff)).length / 2));
    await writeFile(output, 'an earlier result');
    await expect(joined([red, cutOff, green])).rejects.toMatchObject({
      code: 'MEDIA_UNREADABLE',
      message: expect.stringMatching(
        /^clip 2 was expected to be whole, and is cut off: its last \d+ bytes are missing$/,
      ),
      details: { clip: 2 },
    });
    expect(await readFile(output, 'utf8')).toBe('an earlier result');
    expect(await readdir(workDir)).toEqual([]);
  });

  it.each([
    { what: 'a script that names another clip', text: `ffconcat version 1.0\nfile 'silent-red.mp4'\n` },
    { what: 'a text file', text: 'hello' },
  ])('$what', async ({ what, text }) => {
    const path = folder.path(`${what}.mp4`);
    await writeFile(path, text);
    await expect(joined([silent[0] ?? '', path])).rejects.toMatchObject({
      code: 'MEDIA_UNREADABLE',
      message: expect.stringMatching(/^clip 2 was expected to be a video file, and is not: /),
      details: { clip: 2 },
    });
    await expectNothingLeft();
  });

  it('a clip without a picture, and no clips at all', async () => {
    const soundOnly = await makeClip(folder.path('sound-only.mp4'), { sound: { seconds: 1 }, extra: ['-vn'] });
    await expect(joined([sounding[0] ?? '', soundOnly])).rejects.toMatchObject({
      code: 'MEDIA_UNREADABLE',
      details: { clip: 2 },
    });
    await expect(joined([])).rejects.toThrow(RangeError);
    await expectNothingLeft();
  });
});
