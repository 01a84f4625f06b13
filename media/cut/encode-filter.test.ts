import { mkdir } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CutOrder } from '../plan/cut-plan.js';
import { makeVariant, type Variant } from '../test-support/clip-variants.js';
import { mediaFolder, tools } from '../test-support/media-files.js';
import { middleColour } from '../test-support/seen-and-heard.js';
import { cutClips } from './cut-clips.js';

const folder = mediaFolder();
let made = 0;
beforeAll(async () => mkdir(folder.path('work')));

/** The path of a clip, and of the cut of it alone. */
async function cutAlone(variant: Variant, order: CutOrder) {
  made += 1;
  const clip = await makeVariant(folder.path(`clip-${made}`), variant);
  const output = folder.path(`cut-${made}.mp4`);
  await cutClips(tools, { inputs: [clip], output, workDir: folder.path('work'), order });
  return { clip, output };
}

function farthest(one: number[], other: number[]): number {
  return Math.max(...one.map((value, index) => Math.abs(value - (other[index] ?? 0))));
}

describe('the colours of an encoded clip', () => {
  const orange = '0xE07020';
  const toRate = { frameRate: { num: 25, den: 1 } };
  const stated = (matrix: string, more = ''): Variant => ({
    colour: orange,
    extra: [
      ...`-colorspace ${matrix} ${more}`.trim().split(' '),
      '-vf',
      `scale=out_color_matrix=${matrix},format=yuv420p`,
    ],
  });

  it.each<{ what: string; variant: Variant; order: CutOrder }>([
    { what: 'BT.601', variant: stated('smpte170m'), order: toRate },
    { what: 'BT.709', variant: stated('bt709'), order: toRate },
    { what: 'the full range', variant: { colour: orange, pixelFormat: 'yuvj420p' }, order: toRate },
    {
      what: 'RGB',
      variant: { colour: orange, container: 'mkv', extra: ['-c:v', 'libx264rgb', '-pix_fmt', 'rgb24'] },
      order: toRate,
    },
  ])('are those of a source in $what', async ({ variant, order }) => {
    const { clip, output } = await cutAlone(variant, order);
    const [before, after] = [await middleColour(clip), await middleColour(output)];
    expect(farthest(before, [0xe0, 0x70, 0x20])).toBeLessThanOrEqual(6);
    expect(farthest(before, after)).toBeLessThanOrEqual(6);
  });

  it('are those that players show where a source says nothing, also when it becomes large', async () => {
    const { output } = await cutAlone({ colour: orange, extra: [] }, { size: { width: 1280, height: 720 } });
    expect(farthest(await middleColour(output), [0xe0, 0x70, 0x20])).toBeLessThanOrEqual(6);
  });

  it.each([
    { transfer: 'smpte2084', grey: 0x80, bright: 0xa0 },
    { transfer: 'arib-std-b67', grey: 0x80, bright: 0xc0 },
  ])('keep light and bright apart where the source has $transfer', async ({ transfer, grey, bright }) => {
    const extra = `-profile:v high10 -color_primaries bt2020 -colorspace bt2020nc -color_trc ${transfer}`.split(' ');
    const shown = async (level: number) => {
      const colour = `0x${level.toString(16).repeat(3)}`;
      const { output } = await cutAlone({ colour, pixelFormat: 'yuv420p10le', extra }, {});
      return await middleColour(output);
    };
    const [light = 0] = await shown(grey);
    const brightest = await shown(bright);
    expect(Math.max(...brightest) - Math.min(...brightest)).toBeLessThanOrEqual(6);
    expect(brightest[0]).toBeGreaterThan(light + 30);
    expect(brightest[0]).toBeLessThan(235);
    if (transfer === 'smpte2084') expect(light).toBeGreaterThan(grey + 15);
  });
});
