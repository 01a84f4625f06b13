import { copyFile, mkdir, open, readdir, readFile, stat } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CutPlan, planCut } from '../plan/cut-plan.js';
import { type EncodedPiece, piecesOf } from '../plan/plan-pieces.js';
import { makeVariant, type Variant } from '../test-support/clip-variants.js';
import { frameHashes, mediaFolder, tools } from '../test-support/media-files.js';
import { probeClips } from './cut-clips.js';
import { pieceRecipe } from './encode-recipe.js';
import type { EncodedClips } from './make-piece.js';
import { runCut } from './run-cut.js';

const folder = mediaFolder();
const short: Variant = { colour: 'testsrc', seconds: 2, extra: ['-g', '12'] };
let copied: string;
let other: string;
let odd: string;
let workDir: string;

beforeAll(async () => {
  copied = await makeVariant(folder.path('copied'), short);
  other = await makeVariant(folder.path('other'), { ...short, colour: 'blue' });
  odd = await makeVariant(folder.path('odd'), { colour: 'testsrc', seconds: 2, rate: '25' });
  workDir = folder.path('work');
  await mkdir(workDir);
});

async function planOf(paths: string[], transition: 'crossfade' | 'fade') {
  const inputs = paths.map((path, index) => ({ number: index + 1, path }));
  const probes = await probeClips(tools, inputs);
  const plan = planCut(
    probes.map((probe, index) => ({ number: index + 1, probe })),
    { transition },
  );
  return { plan, inputs };
}

/** Keeps encoded pieces by the clips' files, as their content would, and notes what it lacked. */
function keeper() {
  const kept = new Map<string, string>();
  const missed: string[] = [];
  const forInputs = (inputs: { number: number; path: string }[]): EncodedClips => {
    const keyOf = (numbers: readonly number[], recipe: object): string =>
      JSON.stringify([numbers.map((number) => inputs[number - 1]?.path), recipe]);
    return {
      get: (numbers, recipe) => {
        const found = kept.get(keyOf(numbers, recipe));
        if (found === undefined) missed.push(numbers.join('+'));
        return Promise.resolve(found);
      },
      put: async (numbers, recipe, path) => {
        const copy = folder.path(`kept-${kept.size}.mp4`);
        await copyFile(path, copy);
        kept.set(keyOf(numbers, recipe), copy);
      },
    };
  };
  return { forInputs, missed };
}

describe('a second cut with one clip replaced', () => {
  it.each<{ kind: 'crossfade' | 'fade'; first: string[]; second: string[] }>([
    { kind: 'crossfade', first: ['1+2', '2+3', '3', '3+4'], second: ['1+2', '2+3'] },
    // The same file fades alike wherever it stands.
    { kind: 'fade', first: ['1', '2', '3'], second: ['2', '2'] },
  ])('encodes only what has a part of it ($kind)', async ({ kind, first, second }) => {
    const { forInputs, missed } = keeper();
    const cut = async (paths: string[], name: string): Promise<string> => {
      const { plan, inputs } = await planOf(paths, kind);
      const output = folder.path(`${kind}-${name}.mp4`);
      await runCut(tools, plan, { inputs, output, workDir, encodedClips: forInputs(inputs) });
      return output;
    };
    const before = await cut([copied, copied, odd, copied], 'first');
    expect(missed.splice(0)).toEqual(first);
    const after = await cut([copied, other, odd, copied], 'second');
    expect(missed.splice(0)).toEqual(second);
    const again = await cut([copied, other, odd, copied], 'third');
    expect(missed).toEqual([]);
    expect((await readFile(again)).equals(await readFile(after))).toBe(true);
    const [shownBefore, shownAfter] = [await frameHashes(before), await frameHashes(after)];
    expect(shownAfter.slice(-60)).toEqual(shownBefore.slice(-60));
    expect(shownAfter.slice(0, 36)).toEqual(shownBefore.slice(0, 36));
    expect(shownAfter).not.toEqual(shownBefore);
    expect(await readdir(workDir)).toEqual([]);
  });
});

describe('the recipe of a piece', () => {
  const recipes = ({ plan }: { plan: CutPlan }): string[] =>
    piecesOf(plan)
      .filter((piece): piece is EncodedPiece => piece.action === 'encode')
      .map((piece) => JSON.stringify(pieceRecipe(plan, piece)));

  it('is the same wherever its clips stand, and names no file', async () => {
    const [alone = ''] = recipes(await planOf([copied, odd], 'crossfade'));
    const amongOthers = recipes(await planOf([copied, copied, odd, copied, odd], 'crossfade'));
    expect(amongOthers[1]).toBe(alone);
    expect(amongOthers.at(-2)).toBe(alone);
    expect(alone).not.toContain(folder.path());
  });

  it('tells where decoding begins: frames of unlike places in a clip are not taken for the same', async () => {
    const longer = await makeVariant(folder.path('longer'), { ...short, seconds: 2.5 });
    const [one = '', two = ''] = [
      recipes(await planOf([copied, copied], 'fade'))[0],
      recipes(await planOf([longer, copied], 'fade'))[0],
    ];
    expect(JSON.parse(one)).toMatchObject({ frames: 12, decodeFrom: [36] });
    expect(JSON.parse(two)).toMatchObject({ frames: 12, decodeFrom: [48] });
  });
});

describe('a seam of a clip that is damaged', () => {
  it.each([
    { what: 'first', place: 0 },
    { what: 'second', place: 1 },
  ])('names the clip, the $what', async ({ what, place }) => {
    const damaged = folder.path(`damaged-${what}.mp4`);
    await copyFile(copied, damaged);
    const file = await open(damaged, 'r+');
    const noise = Buffer.from(Array.from({ length: 4_000 }, (_, index) => (index * 7919 + 13) % 251));
    const { size } = await stat(copied);
    await file.write(noise, 0, noise.length, Math.floor(place === 0 ? size - 2 * noise.length : size / 12));
    await file.close();
    const { plan, inputs } = await planOf([copied, copied].with(place, damaged), 'crossfade');
    const output = folder.path('never.mp4');
    await expect(runCut(tools, plan, { inputs, output, workDir })).rejects.toMatchObject({
      code: 'MEDIA_UNREADABLE',
      details: { clip: place + 1 },
    });
    expect(await readdir(workDir)).toEqual([]);
  });
});
