import { mkdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { findBrowser } from '../../test/support/browser.js';
import type { CutPlan } from '../plan/cut-plan.js';
import { makeVariant, type Variant } from '../test-support/clip-variants.js';
import { mediaFolder, tools } from '../test-support/media-files.js';
import { playInBrowser } from '../test-support/play-in-browser.js';
import { frameColours } from '../test-support/reference-cut.js';
import { cutClips } from './cut-clips.js';

const folder = mediaFolder();
const browser = await findBrowser();

describe('a cut of copied and encoded clips', () => {
  it.skipIf(browser === undefined)('plays in a browser over every seam', async () => {
    const clips = [
      { colour: 'red', extra: ['-bf', '0'], sound: { seconds: 1 } },
      { colour: 'lime', rate: '25', size: '228x128' },
      { colour: 'blue', extra: ['-preset', 'slow', '-refs', '5'], sound: { seconds: 1 } },
      { colour: 'yellow', size: '180x320', rate: '30', sound: { seconds: 1 } },
    ];
    const inputs: string[] = [];
    for (const clip of clips) inputs.push(await makeVariant(folder.path(clip.colour), clip));
    const workDir = folder.path('work');
    await mkdir(workDir);
    const output = folder.path('mixed.mp4');
    await cutClips(tools, { inputs, output, workDir });

    const seen = await playInBrowser(browser ?? '', await readFile(output));
    expect(seen.error).toBeNull();
    expect(seen.duration).toBeCloseTo(4, 1);
    const strong = [[0], [1], [2], [0, 1]];
    const clipsSeen = new Set<number>();
    for (const { at, pixel } of seen.frames) {
      const clip = Math.min(3, Math.floor(at + 0.01));
      clipsSeen.add(clip);
      expect(
        pixel.flatMap((value, index) => (value > 128 ? [index] : [])),
        `at ${at} s`,
      ).toEqual(strong[clip]);
    }
    expect([...clipsSeen]).toEqual([0, 1, 2, 3]);
  });
});

describe('a cut with seams', () => {
  /** A plain picture that becomes lighter with each frame, so that every frame tells its place. */
  const counting = (cb: number, cr: number, more: Variant = {}): Variant => {
    const { extra = [], ...others } = more;
    const light = `geq=lum='60+3*N':cb=${cb}:cr=${cr}`;
    return { seconds: 2, ...others, extra: ['-vf', light, ...extra] };
  };
  const short = ['-g', '12'];
  const veo = { sound: { seconds: 2 } };
  const hailuo = { size: '228x128', rate: '25' };

  it.skipIf(browser === undefined).each<{ kind: 'crossfade' | 'fade'; clips: Variant[] }>([
    {
      kind: 'crossfade',
      clips: [
        counting(90, 200, { ...veo, extra: short }),
        counting(200, 90, hailuo),
        counting(128, 60, { ...veo, extra: [...short, '-bf', '0'] }),
        counting(60, 128, veo),
      ],
    },
    {
      kind: 'fade',
      clips: [
        counting(90, 200, { ...veo, extra: short }),
        counting(200, 90, { ...veo, extra: [...short, '-refs', '5'] }),
        counting(128, 60, hailuo),
      ],
    },
  ])('plays in a browser from start to end, and from every border ($kind)', async ({ kind, clips }) => {
    const inputs: string[] = [];
    for (const [index, clip] of clips.entries()) {
      inputs.push(await makeVariant(folder.path(`${kind}-${index}`), clip));
    }
    const output = folder.path(`${kind}.mp4`);
    let plan: CutPlan | undefined;
    const order = { transition: kind };
    await cutClips(tools, { inputs, output, workDir: folder.path(), order, onPlan: (made) => (plan = made) });

    const wanted = await frameColours(output);
    const frames = plan?.frames ?? 0;
    expect(wanted).toHaveLength(frames);
    expect(plan?.pieces?.some(({ action }) => action === 'copy')).toBe(true);
    const borders = (plan?.pieces ?? [])
      .slice(1)
      .flatMap(({ firstFrame }) => [firstFrame, firstFrame - 1, firstFrame + 1]);
    const middles = (plan?.seams ?? []).map((seam) => seam.firstFrame + seam.frames / 2);
    const places = [...borders, ...middles, 0, frames - 1];
    const times = places.map((frame) => (frame + 0.5) / 24);
    const seen = await playInBrowser(browser ?? '', await readFile(output), times);

    expect(seen.error).toBeNull();
    expect(seen.duration).toBeCloseTo(frames / 24, 1);
    expect(seen.endedAt).toBeCloseTo(seen.duration, 1);
    expect(seen.found.map(({ at }) => Math.round(at * 24))).toEqual(places);
    const shown = [...seen.frames, ...seen.found];
    for (const { at, pixel } of shown) {
      const own = wanted[Math.round(at * 24)] ?? [];
      const off = Math.max(...pixel.map((value, index) => Math.abs(value - (own[index] ?? 0))));
      expect(off, `at ${at} s: ${pixel.join()} instead of ${own.join()}`).toBeLessThanOrEqual(6);
    }
    const clipOf = (at: number): number =>
      plan?.clips.findLastIndex(({ firstFrame }) => firstFrame <= Math.round(at * 24)) ?? -1;
    expect(new Set(seen.frames.map(({ at }) => clipOf(at)))).toEqual(new Set(clips.keys()));
  });
});
