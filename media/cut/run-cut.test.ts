import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CutPlan, planCut } from '../plan/cut-plan.js';
import { makeVariant } from '../test-support/clip-variants.js';
import { makeClip, mediaFolder, tools } from '../test-support/media-files.js';
import { seenFrames } from '../test-support/seen-and-heard.js';
import { probeClips } from './cut-clips.js';
import type { EncodedClips } from './make-piece.js';
import { runCut } from './run-cut.js';

const folder = mediaFolder();
let inputs: { number: number; path: string }[];
let plan: CutPlan;
let workDir: string;

beforeAll(async () => {
  const clips = [{ colour: 'red' }, { colour: 'lime', rate: '25' }, { colour: 'blue' }, { colour: 'cyan', rate: '30' }];
  inputs = [];
  for (const [index, clip] of clips.entries()) {
    inputs.push({ number: index + 1, path: await makeVariant(folder.path(`clip-${index}`), clip) });
  }
  const probes = await probeClips(tools, inputs);
  plan = planCut(probes.map((probe, index) => ({ number: index + 1, probe })));
  workDir = folder.path('work');
  await mkdir(workDir);
});

/** Keeps encoded clips as files, and notes what it is asked and given. */
function keeper() {
  const kept = new Map<string, string>();
  const notes: string[] = [];
  const encodedClips: EncodedClips = {
    get: (numbers, recipe) => {
      const found = kept.get(`${numbers.join()} ${JSON.stringify(recipe)}`);
      notes.push(`${found === undefined ? 'missed' : 'found'} ${numbers.join()}`);
      return Promise.resolve(found);
    },
    put: async (numbers, recipe, path) => {
      const copy = folder.path(`kept-${kept.size}.mp4`);
      await copyFile(path, copy);
      kept.set(`${numbers.join()} ${JSON.stringify(recipe)}`, copy);
      notes.push(`kept ${numbers.join()}`);
    },
  };
  return { encodedClips, notes };
}

describe('runCut', () => {
  it('encodes what is not kept from an earlier cut, and makes the same bytes of what is', async () => {
    const { encodedClips, notes } = keeper();
    const [first, second] = [folder.path('first.mp4'), folder.path('second.mp4')];
    await runCut(tools, plan, { inputs, output: first, workDir, encodedClips });
    expect(notes.splice(0)).toEqual(['missed 2', 'kept 2', 'missed 4', 'kept 4']);
    await runCut(tools, plan, { inputs, output: second, workDir, encodedClips });
    expect(notes.splice(0)).toEqual(['found 2', 'found 4']);
    expect((await readFile(second)).equals(await readFile(first))).toBe(true);
    expect(await readdir(workDir)).toEqual([]);
  });

  it('runs a plan that was stored as JSON, with inputs in any order', async () => {
    const output = folder.path('stored.mp4');
    const stored = JSON.parse(JSON.stringify(plan)) as CutPlan;
    await runCut(tools, stored, { inputs: inputs.toReversed(), output, workDir });
    const colours = (await seenFrames(output)).map(({ centre }) => centre);
    expect(colours).toEqual(['red', 'lime', 'blue', 'cyan'].flatMap((colour) => Array<string>(24).fill(colour)));
  });

  it('reports progress of encoding and joining that never goes back', async () => {
    const fractions: number[] = [];
    const onProgress = (fraction: number) => fractions.push(fraction);
    await runCut(tools, plan, { inputs, output: folder.path('progress.mp4'), workDir, onProgress });
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.some((fraction) => fraction > 0.3 && fraction < 0.9)).toBe(true);
    expect(fractions.filter((fraction) => fraction === 1)).toEqual([1]);
    expect(fractions.at(-1)).toBe(1);
  });

  it('wants the file of every clip', async () => {
    const run = runCut(tools, plan, { inputs: inputs.slice(1), output: folder.path('never.mp4'), workDir });
    await expect(run).rejects.toThrow('the file of clip 1 was expected, got 2, 3, 4');
  });

  it('does not take files for proven that are not those of the plan', async () => {
    const longer = await makeClip(folder.path('longer.mp4'), { size: '320x180', seconds: 2 });
    const swapped = inputs.map((input) => (input.number === 3 ? { ...input, path: longer } : input));
    const run = runCut(tools, plan, { inputs: swapped, output: folder.path('never.mp4'), workDir });
    await expect(run).rejects.toMatchObject({ code: 'CUT_WRONG' });
    const kept = { get: () => Promise.resolve(longer), put: () => Promise.resolve() };
    const stale = runCut(tools, plan, { inputs, output: folder.path('never.mp4'), workDir, encodedClips: kept });
    await expect(stale).rejects.toMatchObject({ code: 'CUT_WRONG' });
    expect(await readdir(workDir)).toEqual([]);
    expect(await readdir(folder.path())).not.toContain('never.mp4');
  });
});
