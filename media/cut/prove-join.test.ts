import { copyFile, open, stat } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CutOrder, type CutPlan, planCut } from '../plan/cut-plan.js';
import { type ClipOptions, ffmpeg, makeClip, mediaFolder, tools } from '../test-support/media-files.js';
import { probed, type Unlike } from '../test-support/probed-clips.js';
import { cutClips } from './cut-clips.js';
import { partsToDecode, proveAudible, proveJoin } from './prove-join.js';

const folder = mediaFolder();
const small: Unlike = { video: { width: 160, height: 90 }, scan: { seconds: 1 } };
let sounding: string;
let silent: string;

beforeAll(async () => {
  sounding = await makeClip(folder.path('sounding.mp4'), { seconds: 2, sound: { seconds: 2 } });
  silent = await makeClip(folder.path('silent.mp4'), { seconds: 2 });
});

function planOf(clips: Unlike[], sound: 'keep' | 'none' = 'keep', transition: CutOrder['transition'] = 'cut'): CutPlan {
  return planCut(
    clips.map((clip, index) => ({ number: index + 1, probe: probed(clip) })),
    { sound, transition },
  );
}

const prove = (path: string, plan: CutPlan) => proveJoin(tools, path, plan, { inputs: [] });
const twice = (sound: boolean) => planOf([sound ? { ...small, audio: {} } : small, small]);

describe('proveJoin', () => {
  it('accepts what the plan says, with sound and without', async () => {
    expect((await prove(sounding, twice(true))).durationSeconds).toBe(2);
    expect((await prove(silent, twice(false))).durationSeconds).toBe(2);
  });

  it.each<{ what: string; clip: ClipOptions; expected: string; seen?: string }>([
    { what: 'frames', clip: { extra: ['-frames:v', '47'] }, expected: 'frames: 48', seen: '47' },
    { what: 'seconds', clip: { seconds: 3 }, expected: 'picture of 2.000 s (within 0.083 s)', seen: '3.000 s' },
    { what: 'pixels', clip: { size: '128x72' }, expected: 'size: 160x90', seen: '128x72' },
    { what: 'a codec', clip: { extra: ['-c:v', 'mpeg4'] }, expected: 'codec: h264', seen: 'mpeg4' },
    { what: 'a pixel format', clip: { pixelFormat: 'yuv444p' }, expected: 'pixel format: yuv420p', seen: 'yuv444p' },
    {
      what: 'the index in front',
      clip: { extra: ['-movflags', '-faststart'] },
      expected: 'the index before the media (faststart)',
    },
    { what: 'a picture', clip: { sound: { seconds: 2 }, extra: ['-vn'] }, expected: 'a picture', seen: 'none' },
  ])('wants the planned $what', async ({ what, clip, expected, seen }) => {
    const path = await makeClip(folder.path(`other ${what}.mp4`), { seconds: 2, ...clip });
    await expect(prove(path, twice(false))).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: { expected, seen: seen ?? expect.any(String) },
    });
  });

  it('wants every frame in its place', async () => {
    const plain = await makeClip(folder.path('plain.mp4'), { seconds: 2, extra: ['-bf', '0'] });
    const path = folder.path('late.mp4');
    const late = "setts=ts='TS+if(between(N,10,12),400,0)'";
    await ffmpeg('-v', 'error', '-i', plain, '-c', 'copy', '-bsf:v', late, '-movflags', '+faststart', path);
    await expect(prove(plain, twice(false))).resolves.toBeDefined();
    await expect(prove(path, twice(false))).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: { expected: 'every frame in its place at 24/1 a second' },
    });
  });

  it('wants sound where it is planned, only there, and to the end', async () => {
    const lost = prove(silent, twice(true));
    await expect(lost).rejects.toMatchObject({ code: 'CUT_WRONG', details: { expected: 'sound', seen: 'none' } });
    const strange = prove(sounding, twice(false));
    await expect(strange).rejects.toMatchObject({ details: { expected: 'no sound', seen: 'sound' } });
    const short = await makeClip(folder.path('short.mp4'), { seconds: 2, sound: { seconds: 1.8 } });
    await expect(prove(short, twice(true))).rejects.toMatchObject({ code: 'CUT_WRONG', details: { seen: '1.800 s' } });
  });

  it('decodes encoded clips, and calls damage in them by its frames', async () => {
    const options = { colour: 'testsrc', size: '320x180', seconds: 1 };
    const usual = await makeClip(folder.path('usual.mp4'), options);
    const odd = await makeClip(folder.path('odd.mp4'), { ...options, rate: '30' });
    const joined = folder.path('joined.mp4');
    let plan: CutPlan | undefined;
    const inputs = [usual, odd, usual];
    await cutClips(tools, { inputs, output: joined, workDir: folder.path(), onPlan: (made) => (plan = made) });
    const damaged = folder.path('damaged.mp4');
    await copyFile(joined, damaged);
    const file = await open(damaged, 'r+');
    const noise = Buffer.from(Array.from({ length: 2_000 }, (_, index) => (index * 7919 + 13) % 251));
    await file.write(noise, 0, noise.length, Math.floor((await stat(joined)).size / 2));
    await file.close();
    await expect(prove(joined, plan as CutPlan)).resolves.toBeDefined();
    await expect(prove(damaged, plan as CutPlan)).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: { expected: 'frames 0 to 71 that decode' },
    });
  });
});

describe('partsToDecode', () => {
  const unlike = (setup: string): Unlike => ({ video: { setup } });
  const keyed: Unlike = { scan: { keyFrames: [0, 24, 48, 72, 96, 120, 144, 168] } };
  it.each<{ what: string; clips: Unlike[]; transition?: CutOrder['transition']; parts: unknown[] }>([
    { what: 'nothing of copies that are set up alike', clips: [{}, {}, {}], parts: [] },
    {
      what: 'the seam between copies that are not, from the key frame before it',
      clips: [{}, {}, unlike('other'), unlike('other')],
      parts: [{ from: 192, to: 408 }],
    },
    {
      what: 'an encoded clip and both of its seams',
      clips: [{}, {}, { video: { rotation: 180 } }, {}, {}],
      parts: [{ from: 192, to: 600 }],
    },
    {
      what: 'all that is encoded',
      clips: [{ video: { rotation: 180 } }, { video: { rotation: 180 } }],
      parts: [{ from: 0, to: 384 }],
    },
    {
      what: 'parts far from each other by themselves',
      clips: [{ video: { rotation: 180 } }, {}, {}, {}, unlike('other')],
      parts: [
        { from: 0, to: 216 },
        { from: 576, to: 792 },
      ],
    },
    {
      what: 'seams from the key frame before them, and not what is copied between',
      clips: [keyed, keyed],
      transition: 'crossfade',
      parts: [{ from: 144, to: 228 }],
    },
    {
      what: 'fades from the key frame before them',
      clips: [keyed, keyed, keyed],
      transition: 'fade',
      parts: [
        { from: 144, to: 240 },
        { from: 336, to: 432 },
      ],
    },
    {
      what: 'clips that are encoded with their seams, and a copy that ends before',
      clips: [keyed, {}, { video: { rotation: 180 } }],
      transition: 'crossfade',
      parts: [{ from: 144, to: 552 }],
    },
  ])('names $what', ({ clips, transition, parts }) => {
    expect(partsToDecode(planOf(clips, 'keep', transition))).toEqual(parts);
  });
});

describe('proveAudible', () => {
  const end = { fromSeconds: 1, seconds: 1 };
  const audible = (clip: string, joined: string) =>
    proveAudible(tools, { path: clip, ...end }, { path: joined, ...end }, {});

  it('wants heard what can be heard, and nothing where nothing can be', async () => {
    const extra = ['-af', 'volume=0:enable=gte(t\\,1)'];
    const fadesOut = await makeClip(folder.path('fades.mp4'), { seconds: 2, sound: { seconds: 2 }, extra });
    await expect(audible(sounding, sounding)).resolves.toBeUndefined();
    await expect(audible(fadesOut, fadesOut)).resolves.toBeUndefined();
    await expect(audible(sounding, fadesOut)).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: { expected: expect.stringMatching(/^sound at -\d+(\.\d+)? dBFS in its last 1 s/) },
    });
  });
});
