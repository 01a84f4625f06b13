import { mkdir, readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { CutPlan } from '../plan/cut-plan.js';
import { makeVariant, VARIABLE_RATE, type Variant } from '../test-support/clip-variants.js';
import { frameHashes, mediaFolder, tools } from '../test-support/media-files.js';
import { frameColours, framePsnr, frameTimes, makeReference } from '../test-support/reference-cut.js';
import { cutClips } from './cut-clips.js';

const folder = mediaFolder();
/** A moving pattern that is one frame off is at 26 dB. */
const ALIKE_DB = 34;

const short = ['-g', '12'];
const veo = (hue: number, more: Partial<Variant> = {}): Variant => look(hue, { sound: { seconds: 2 }, ...more });
const hailuo: Variant = look(240, { size: '228x128', rate: '25' });

/** A moving pattern in colours of its own, 2 s long. */
function look(hue: number, { extra = [], ...more }: Partial<Variant> = {}): Variant {
  const filters = extra[0] === '-vf' ? [`${extra[1]},hue=h=${hue}`, ...extra.slice(2)] : [`hue=h=${hue}`, ...extra];
  return { colour: 'testsrc', seconds: 2, extra: ['-vf', ...filters], ...more };
}

interface Case {
  what: string;
  kind: 'crossfade' | 'fade';
  clips: Variant[];
  rate?: number;
  /** Of the clips in the result. */
  frames: number[];
  seams: number[];
  /** Of each clip the frames that are copied, from one to before the other. */
  copied?: ([number, number] | undefined)[];
  result: number;
}

const CASES: Case[] = [
  {
    what: 'clips with a key frame each half second',
    kind: 'crossfade',
    clips: [look(0, { extra: short }), look(120, { extra: short }), look(240, { extra: short })],
    frames: [48, 48, 48],
    seams: [12, 12],
    copied: [
      [0, 36],
      [12, 36],
      [12, 48],
    ],
    result: 120,
  },
  {
    what: 'clips with a key frame each half second',
    kind: 'fade',
    clips: [look(0, { extra: short }), look(120, { extra: short }), look(240, { extra: short })],
    frames: [48, 48, 48],
    seams: [12, 12],
    copied: [
      [0, 36],
      [12, 36],
      [12, 48],
    ],
    result: 144,
  },
  {
    what: 'key frames that lie elsewhere, on another clock',
    kind: 'crossfade',
    clips: [
      look(0, { extra: ['-g', '10'], timescale: 12_288 }),
      look(120),
      look(240, { extra: ['-g', '17', '-bf', '0'] }),
    ],
    frames: [48, 48, 48],
    seams: [12, 12],
    copied: [[0, 30], undefined, [17, 48]],
    result: 120,
  },
  {
    what: 'clips with one key frame',
    kind: 'crossfade',
    clips: [look(0), look(120), look(240)],
    frames: [48, 48, 48],
    seams: [12, 12],
    result: 120,
  },
  {
    what: 'clips with one key frame',
    kind: 'fade',
    clips: [look(0), look(120)],
    frames: [48, 48],
    seams: [12],
    result: 96,
  },
  {
    what: 'a clip with sound and a smaller one without',
    kind: 'crossfade',
    clips: [veo(0), hailuo, veo(120, { extra: short })],
    frames: [48, 48, 48],
    seams: [12, 12],
    copied: [undefined, undefined, [12, 48]],
    result: 120,
  },
  {
    what: '25 and 30 frames a second',
    kind: 'crossfade',
    clips: [look(0, { rate: '25', extra: short }), look(120, { rate: '30' }), look(240, { rate: '25', extra: short })],
    rate: 25,
    frames: [50, 50, 50],
    seams: [13, 13],
    copied: [[0, 36], undefined, [24, 50]],
    result: 124,
  },
  {
    what: '30 and 25 frames a second',
    kind: 'fade',
    clips: [look(0, { rate: '30', extra: short }), look(120, { rate: '25' })],
    rate: 30,
    frames: [60, 60],
    seams: [15],
    copied: [[0, 36], undefined],
    result: 120,
  },
  {
    what: 'a rate that varies',
    kind: 'crossfade',
    clips: [look(0, { extra: short }), look(120, { extra: VARIABLE_RATE })],
    frames: [48, 48],
    seams: [12],
    copied: [[0, 36], undefined],
    result: 84,
  },
  {
    what: 'a clip that is as long as both its seams',
    kind: 'crossfade',
    clips: [look(0, { extra: short }), look(120, { seconds: 1, extra: ['-g', '1'] }), look(240, { extra: short })],
    frames: [48, 24, 48],
    seams: [11, 11],
    copied: [
      [0, 36],
      [11, 13],
      [12, 48],
    ],
    result: 98,
  },
  {
    what: 'a clip of one frame, and one of two',
    kind: 'crossfade',
    clips: [look(0), look(120, { seconds: 0.04 }), look(240), look(60, { seconds: 0.08 })],
    frames: [48, 1, 48, 2],
    seams: [0, 0, 1],
    copied: [
      [0, 48],
      [0, 1],
    ],
    result: 98,
  },
];

describe('seams of', () => {
  it.each(CASES)('$what ($kind) are those of bare ffmpeg, and what lies between is copied', async (wanted) => {
    const { what, kind, rate = 24 } = wanted;
    const name = `${kind} of ${what}`;
    const inputs: string[] = [];
    for (const [index, clip] of wanted.clips.entries()) {
      inputs.push(await makeVariant(folder.path(`${name.replaceAll(/\W/g, '-')}-${index}`), clip));
    }
    const workDir = folder.path(name);
    await mkdir(workDir);
    const output = folder.path(`${name.replaceAll(/\W/g, '-')}.mp4`);
    let plan: CutPlan | undefined;
    const order = { transition: kind };
    await cutClips(tools, { inputs, output, workDir, order, onPlan: (made) => (plan = made) });

    const times = await frameTimes(output);
    expect(times).toHaveLength(wanted.result);
    for (const [index, time] of times.entries()) expect(time, `frame ${index}`).toBeCloseTo(index / rate, 4);
    expect(plan?.clips.map(({ frames }) => frames)).toEqual(wanted.frames);
    const places = wanted.clips.map((_, index) => plan?.clips[index]?.firstFrame ?? -1);

    const copies = wanted.clips.map((_, index) => {
      const piece = plan?.pieces?.find((one) => one.action === 'copy' && one.clip === index + 1);
      return piece?.action === 'copy' ? [piece.fromFrame, piece.fromFrame + piece.frames] : undefined;
    });
    expect(copies).toEqual(wanted.clips.map((_, index) => wanted.copied?.[index]));
    const shown = await frameHashes(output);
    for (const [index, copied] of (wanted.copied ?? []).entries()) {
      if (copied === undefined) continue;
      const [from, to] = copied;
      const own = await frameHashes(inputs[index] ?? '');
      const begin = places[index] ?? 0;
      expect(shown.slice(begin + from, begin + to), `clip ${index + 1}`).toEqual(own.slice(from, to));
    }

    const clips = wanted.frames.map((frames, index) => ({ path: inputs[index] ?? '', frames }));
    const isCut = wanted.seams.includes(0);
    if (!isCut) {
      const reference = { kind, rate, size: '320x180', clips, seams: wanted.seams };
      const alike = await framePsnr(output, await makeReference(`${output}.mkv`, reference));
      expect(alike).toHaveLength(wanted.result);
      expect(Math.min(...alike)).toBeGreaterThan(ALIKE_DB);
    }
    expect(await readdir(workDir)).toEqual([]);
  });
});

describe('the middle of a seam', () => {
  const flat = (colour: string, more: Variant = {}): Variant => ({ colour, seconds: 2, ...more });
  const cutOf = async (name: string, kind: 'crossfade' | 'fade', clips: Variant[]): Promise<string> => {
    const inputs: string[] = [];
    for (const [index, clip] of clips.entries()) inputs.push(await makeVariant(folder.path(`${name}-${index}`), clip));
    const output = folder.path(`${name}.mp4`);
    await cutClips(tools, { inputs, output, workDir: folder.path(), order: { transition: kind } });
    return output;
  };

  it.each([
    { what: 'encoded clips', extra: [] },
    { what: 'copied clips', extra: short },
  ])('of $what is the mean of both where they are crossfaded', async ({ what, extra }) => {
    const clips = [flat('0xC04020', { extra }), flat('0x2080E0', { extra })];
    const colours = await frameColours(await cutOf(`mean-${what.replace(' ', '-')}`, 'crossfade', clips));
    const [first = [], second = [], middle = []] = [colours[0], colours.at(-1), colours[36 + 6]];
    for (const [channel, value] of middle.entries()) {
      expect(Math.abs(value - ((first[channel] ?? 0) + (second[channel] ?? 0)) / 2)).toBeLessThanOrEqual(4);
    }
    expect(farthest(colours[36] ?? [], first)).toBeLessThanOrEqual(4);
    expect(farthest(colours[48] ?? [], second)).toBeLessThanOrEqual(4);
    expect(farthest(first, second)).toBeGreaterThan(100);
  });

  it.each([
    { what: 'encoded clips', extra: [] },
    { what: 'copied clips', extra: short },
  ])('of $what is black where they fade, and neither end of the video is', async ({ what, extra }) => {
    const clips = [flat('0xC04020', { extra }), flat('0x2080E0', { extra })];
    const colours = await frameColours(await cutOf(`black-${what.replace(' ', '-')}`, 'fade', clips));
    const [first = [], second = []] = [colours[0], colours.at(-1)];
    expect(colours).toHaveLength(96);
    expect(Math.max(...(colours[48] ?? [255]))).toBeLessThanOrEqual(4);
    for (const frame of [42, 54]) {
      const own = frame < 48 ? first : second;
      expect(
        farthest(
          colours[frame] ?? [],
          own.map((value) => value / 2),
        ),
      ).toBeLessThanOrEqual(6);
    }
    for (let frame = 0; frame < 96; frame += 1) {
      const own = frame < 48 ? first : second;
      if (frame <= 36 || frame >= 60)
        expect(farthest(colours[frame] ?? [], own), `frame ${frame}`).toBeLessThanOrEqual(4);
    }
    expect(Math.min(Math.max(...first), Math.max(...second))).toBeGreaterThan(180);
  });
});

function farthest(one: readonly number[], other: readonly number[]): number {
  return Math.max(...one.map((value, index) => Math.abs(value - (other[index] ?? 0))));
}
