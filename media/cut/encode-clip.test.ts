import { copyFile, open, readFile, stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type CutPlan, planCut } from '../plan/cut-plan.js';
import { wholeClip } from '../plan/plan-pieces.js';
import { probeClip } from '../probe/probe-clip.js';
import { HLG, makeVariant, type Variant } from '../test-support/clip-variants.js';
import { ffmpeg, frameHashes, makeClip, makeScript, mediaFolder, tools } from '../test-support/media-files.js';
import { whiteBox } from '../test-support/seen-and-heard.js';
import { encodePiece } from './encode-clip.js';
import { type EncodeRecipe, pieceRecipe } from './encode-recipe.js';
import { rewrapClip } from './rewrap-clip.js';

const folder = mediaFolder();
let made = 0;

/** The plan of a 320x180 clip at 24 frames a second, two times, and of this one: the third. */
async function planWith(path: string): Promise<CutPlan> {
  const usual = await makeVariant(folder.path(`usual-${(made += 1)}`), {});
  const [one, other] = [await probeClip(tools, 1, usual), await probeClip(tools, 3, path)];
  return planCut([
    { number: 1, probe: one },
    { number: 2, probe: one },
    { number: 3, probe: other },
  ]);
}

function third(plan: CutPlan): CutPlan['clips'][number] {
  const clip = plan.clips[2];
  if (clip === undefined) throw new Error('three clips were expected');
  return clip;
}

/** A clip in one piece, as a plan without seams has it. */
function encodeRecipe(plan: CutPlan, { number, frames }: CutPlan['clips'][number]): EncodeRecipe {
  const sources = [wholeClip(number, frames)];
  return pieceRecipe(plan, { action: 'encode', firstFrame: 0, frames, sources, overlap: 0 });
}

const encodeClip = (
  by: typeof tools,
  clip: CutPlan['clips'][number],
  recipe: EncodeRecipe,
  { input, output }: { input: string; output: string },
): Promise<void> => encodePiece(by, [{ clip, path: input }], recipe, output);

async function encoded(path: string): Promise<string> {
  const plan = await planWith(path);
  const output = folder.path(`encoded-${(made += 1)}.mp4`);
  await encodeClip(tools, third(plan), encodeRecipe(plan, third(plan)), { input: path, output });
  return output;
}

describe('encodePiece', () => {
  it('makes what can be joined by copy with the target, and leaves the sound out', async () => {
    const path = await makeVariant(folder.path('odd'), { rate: '25', size: '200x200', sound: { seconds: 1 } });
    const seen = await probeClip(tools, 1, await encoded(path));
    expect(seen.audio).toBeUndefined();
    expect(seen.video).toMatchObject({ width: 320, height: 180, profile: 'High', timeBase: { num: 1, den: 24_000 } });
    expect(seen.scan).toMatchObject({ frames: 24, steady: true, startSeconds: 0, startsWithKeyFrame: true });
  });

  /** A white square of 40 pixels with its corner at (20, 20), as a player shows it. */
  const box = 'drawbox=x=20:y=20:w=40:h=40:color=white:t=fill';
  it.each<{ what: string; variant: Variant; seen: { x: number; y: number; w: number; h: number } }>([
    { what: 'a wider picture', variant: { size: '320x90', extra: ['-vf', box] }, seen: { x: 20, y: 65, w: 40, h: 40 } },
    {
      what: 'a taller picture',
      variant: { size: '160x180', extra: ['-vf', box] },
      seen: { x: 100, y: 20, w: 40, h: 40 },
    },
    { what: 'a small one', variant: { size: '160x90', extra: ['-vf', box] }, seen: { x: 40, y: 40, w: 80, h: 80 } },
    {
      what: 'pixels that are twice as wide',
      variant: { size: '160x180', extra: ['-vf', `${box},setsar=2/1`] },
      seen: { x: 40, y: 20, w: 80, h: 40 },
    },
    {
      what: 'one turned upside down',
      variant: { rotate: 180, extra: ['-vf', box] },
      seen: { x: 260, y: 120, w: 40, h: 40 },
    },
  ])('puts $what in the middle and never stretches it', async ({ what, variant, seen }) => {
    const path = await makeVariant(folder.path(what), { colour: 'blue', ...variant });
    const found = await whiteBox(await encoded(path), 320);
    for (const key of ['x', 'y', 'w', 'h'] as const)
      expect(Math.abs(found[key] - seen[key]), key).toBeLessThanOrEqual(2);
  });

  it('makes equal bytes of equal clips, without naming ffmpeg or the prompt', async () => {
    const prompt = 'a prompt that nobody else may read';
    const extra = ['-metadata', `comment=${prompt}`];
    const path = await makeVariant(folder.path('same'), { colour: 'testsrc', rate: '30', extra });
    const [one, other] = [await readFile(await encoded(path)), await readFile(await encoded(path))];
    expect(one.equals(other)).toBe(true);
    expect(one.includes(prompt)).toBe(false);
    expect(one.includes('Lavf')).toBe(false);
  });

  it('names the clip that does not decode to its end', async () => {
    const path = await makeVariant(folder.path('whole'), { colour: 'testsrc', rate: '30' });
    const damaged = folder.path('damaged.mp4');
    await copyFile(path, damaged);
    const file = await open(damaged, 'r+');
    const noise = Buffer.from(Array.from({ length: 3_000 }, (_, index) => (index * 7919 + 13) % 251));
    await file.write(noise, 0, noise.length, Math.floor((await stat(path)).size / 2));
    await file.close();
    await expect(encoded(damaged)).rejects.toMatchObject({
      code: 'MEDIA_UNREADABLE',
      message: expect.stringContaining('clip 3 was expected to be encodable to its end, and was not: '),
      details: { clip: 3 },
    });
  });

  it('names the clip whose colours this ffmpeg cannot change', async () => {
    const path = await makeVariant(folder.path('hlg'), HLG);
    const plan = await planWith(path);
    const ffmpegPath = await makeScript(folder.path('without'), `${tools.ffmpegPath} "$@" | grep -v zscale`);
    const files = { input: path, output: folder.path('never.mp4') };
    const poor = { ...tools, ffmpegPath };
    await expect(encodeClip(poor, third(plan), encodeRecipe(plan, third(plan)), files)).rejects.toMatchObject({
      code: 'MEDIA_UNREADABLE',
      message: expect.stringMatching(/^clip 3 .* is .*BT\.2020\/HLG, for which this ffmpeg lacks zscale$/),
      details: { clip: 3 },
    });
  });

  it('does not blame the clip when ffmpeg is killed', async () => {
    const path = await makeVariant(folder.path('blameless'), { rate: '25' });
    const plan = await planWith(path);
    const ffmpegPath = await makeScript(folder.path('killed'), 'kill -KILL $$');
    const files = { input: path, output: folder.path('never.mp4') };
    const killed = encodeClip({ ...tools, ffmpegPath }, third(plan), encodeRecipe(plan, third(plan)), files);
    await expect(killed).rejects.toMatchObject({ code: 'FFMPEG_FAILED' });
  });
});

describe('pieceRecipe', () => {
  it('is plain data that names neither files nor the clip’s place', async () => {
    const path = await makeVariant(folder.path('moved'), { rate: '25' });
    const usual = await probeClip(tools, 1, await makeVariant(folder.path('other'), {}));
    const odd = await probeClip(tools, 2, path);
    const recipeAt = (place: number) => {
      const clips = [usual, usual, usual].toSpliced(place, 0, odd).map((probe, number) => ({ number, probe }));
      const plan = planCut(clips);
      return encodeRecipe(plan, plan.clips[place] as CutPlan['clips'][number]);
    };
    expect(recipeAt(0)).toEqual(recipeAt(3));
    expect(JSON.parse(JSON.stringify(recipeAt(0)))).toEqual(recipeAt(0));
    expect(JSON.stringify(recipeAt(0))).not.toContain(folder.path());
  });

  it('differs where the target or the clip does', async () => {
    const probe = await probeClip(tools, 1, await makeVariant(folder.path('one'), {}));
    const recipes = [
      { size: { width: 640, height: 360 } },
      { size: { width: 320, height: 320 } },
      { frameRate: { num: 30, den: 1 } },
    ].map((order) => {
      const plan = planCut([{ number: 1, probe }], order);
      return JSON.stringify(encodeRecipe(plan, plan.clips[0] as CutPlan['clips'][number]));
    });
    expect(new Set(recipes).size).toBe(3);
  });

  it('is refused for a clip that is copied', async () => {
    const plan = await planWith(await makeVariant(folder.path('two'), { rate: '25' }));
    expect(() => encodeRecipe(plan, plan.clips[0] as CutPlan['clips'][number])).toThrow(RangeError);
  });
});

describe('rewrapClip', () => {
  it('changes the container and no frame', async () => {
    const path = folder.path('late.mp4');
    const plain = await makeClip(folder.path('plain.mp4'), {
      colour: 'testsrc',
      size: '320x180',
      timescale: 12_288,
      sound: { seconds: 1 },
    });
    await ffmpeg(
      '-v',
      'error',
      '-i',
      plain,
      '-itsoffset',
      '0.5',
      '-i',
      plain,
      '-map',
      '0:a',
      '-map',
      '1:v',
      '-c',
      'copy',
      path,
    );
    const plan = await planWith(path);
    expect(third(plan)).toMatchObject({ action: 'rewrap', reasons: expect.objectContaining({ length: 3 }) });
    const output = folder.path('rewrapped.mp4');
    await rewrapClip(tools, plan, third(plan), { input: path, output });
    const seen = await probeClip(tools, 1, output);
    expect(seen).toMatchObject({ startSeconds: 0, video: { timeBase: { num: 1, den: 24_000 } } });
    expect(seen.scan).toMatchObject({ streamIndex: 0, startSeconds: 0, frames: 24, steady: true });
    expect(seen.audio).toBeUndefined();
    expect(await frameHashes(output)).toEqual(await frameHashes(plain));
  });
});
