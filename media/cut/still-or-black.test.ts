import { mkdir, readdir } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CutPlan, planCut } from '../plan/cut-plan.js';
import { probeClip } from '../probe/probe-clip.js';
import { HLG, makeVariant, type Variant } from '../test-support/clip-variants.js';
import { ffmpeg, makeScript, mediaFolder, tools } from '../test-support/media-files.js';
import { cutClips } from './cut-clips.js';
import { proveJoin } from './prove-join.js';
import { stretchFinder, without } from './still-or-black.js';

const folder = mediaFolder();
const SECONDS = 3;
/** A moving pattern at a rate that has to be changed: it is encoded. */
const ODD: Variant = { colour: 'testsrc', rate: '30', seconds: SECONDS };
let usual: string;
let odd: string;
beforeAll(async () => {
  usual = await makeVariant(folder.path('usual'), { colour: 'testsrc', seconds: SECONDS });
  odd = await makeVariant(folder.path('odd'), ODD);
});

/** Two seconds of the pattern or another picture, then what the filter makes of the rest. */
const look = (filter: string): Variant => ({ ...ODD, extra: ['-vf', filter] });
const BLACK_END = "drawbox=t=fill:color=black:enable='gte(t,1.5)'";
const FROZEN_END = 'trim=end=1.5,tpad=stop_mode=clone:stop_duration=1.5';

async function planOf(clip: string): Promise<CutPlan> {
  const probes = [await probeClip(tools, 1, usual), await probeClip(tools, 2, clip)];
  return planCut([...probes, probes[0] as (typeof probes)[0]].map((probe, index) => ({ number: index + 1, probe })));
}

let results = 0;
/** The three clips one behind the other as the plan wants them, changed by the filter. */
async function resultOf(clip: string, filter = 'null'): Promise<string> {
  const path = folder.path(`result-${(results += 1)}.mp4`);
  const fit = 'fps=24,scale=320:180:force_original_aspect_ratio=decrease,setsar=1,pad=320:180:-1:-1';
  const graph = `[0]${fit}[a];[1]${fit}[b];[2]${fit}[c];[a][b][c]concat=n=3,format=yuv420p,${filter}`;
  const inputs = [usual, clip, usual].flatMap((input) => ['-i', input]);
  const encoder = ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '72', '-video_track_timescale', '24000'];
  await ffmpeg('-v', 'error', ...inputs, '-filter_complex', graph, ...encoder, '-movflags', '+faststart', path);
  return path;
}

async function prove(clip: string, result: string) {
  const inputs = [usual, clip, usual].map((path, index) => ({ number: index + 1, path }));
  return await proveJoin(tools, result, await planOf(clip), { inputs });
}

describe('proveJoin', () => {
  it('accepts pictures that move as their clips do', async () => {
    await expect(prove(odd, await resultOf(odd))).resolves.toBeDefined();
  });

  it.each([
    {
      kind: 'black',
      filter: "drawbox=t=fill:color=black:enable='between(t,4,4.9)'",
      span: /^the picture of clip 2 from 4\.00 to 4\.92 s$/,
    },
    {
      kind: 'frozen',
      filter: 'split[x][y];[x][y]freezeframes=first=85:last=120:replace=84',
      span: /^the picture of clip 2 from 3\.[56]\d to 5\.\d\d s$/,
    },
  ])('refuses a stretch that became $kind, and names its clip and seconds', async ({ kind, filter, span }) => {
    await expect(prove(odd, await resultOf(odd, filter))).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: { expected: expect.stringMatching(span), seen: `a ${kind} one, which the clip does not have` },
    });
  });

  it.each<{ what: string; variant: Variant }>([
    { what: 'black to its end', variant: look(BLACK_END) },
    { what: 'black throughout', variant: { ...ODD, colour: 'black' } },
    { what: 'still from its middle on', variant: look(FROZEN_END) },
    { what: 'still throughout', variant: { ...ODD, colour: 'green' } },
    {
      what: 'held with one long frame at its end',
      variant: { ...ODD, extra: ['-vf', "select='lt(n,30)+eq(n,89)'", '-vsync', 'vfr'] },
    },
    {
      what: 'nearly black between bars',
      variant: {
        ...ODD,
        size: '60x180',
        extra: ['-vf', 'drawbox=t=fill:color=black,drawbox=w=9:h=60:t=fill:color=red'],
      },
    },
    {
      what: 'still but for fine grain',
      variant: { ...ODD, colour: 'gray', extra: ['-vf', 'noise=alls=3:allf=t', '-crf', '10'] },
    },
  ])('accepts a clip that is $what by itself', async ({ variant }) => {
    const clip = await makeVariant(folder.path(`own-${(results += 1)}`), variant);
    await expect(prove(clip, await resultOf(clip))).resolves.toBeDefined();
  });

  it('refuses black where the clip was black only elsewhere', async () => {
    const clip = await makeVariant(folder.path('ends'), look(BLACK_END));
    const early = "drawbox=t=fill:color=black:enable='between(t,3,3.9)'";
    await expect(prove(clip, await resultOf(clip, early))).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: { expected: 'the picture of clip 2 from 3.00 to 3.92 s' },
    });
  });

  it('takes colours beyond an ordinary screen’s for what they are', async () => {
    const { pixelFormat, extra } = HLG;
    const dark = await makeVariant(folder.path('dark'), { ...ODD, colour: '0x303030', pixelFormat, extra });
    const black = "drawbox=t=fill:color=black:enable='between(t,3,5.99)'";
    await expect(prove(dark, await resultOf(dark, black))).resolves.toBeDefined();
  });

  it('allows the black of a planned fade, and no more', async () => {
    const plan = await planOf(odd);
    const seam = { kind: 'fade' as const, from: 1, to: 2, firstFrame: 60, frames: 24, reasons: [] };
    const inputs = [usual, odd, usual].map((path, index) => ({ number: index + 1, path }));
    const dark = (from: number, to: number) =>
      resultOf(odd, `drawbox=t=fill:color=black:enable='between(t,${from},${to})'`);
    const proven = proveJoin(tools, await dark(2.6, 3.4), { ...plan, seams: [seam] }, { inputs });
    await expect(proven).resolves.toBeDefined();
    const longer = proveJoin(tools, await dark(2.6, 4.2), { ...plan, seams: [seam] }, { inputs });
    await expect(longer).rejects.toMatchObject({ code: 'CUT_WRONG' });
  });
});

describe('a cut', () => {
  it.each([
    { kind: 'black', more: 'drawbox=t=fill:color=black' },
    { kind: 'frozen', more: 'trim=end_frame=1,tpad=stop_mode=clone:stop=71' },
  ])('whose encoder makes $kind pictures of the right format and length fails', async ({ kind, more }) => {
    const ffmpegPath = await makeScript(
      folder.path(`${kind}-ffmpeg`),
      'for last in "$@"; do :; done',
      'left=$#',
      'while [ $left -gt 0 ]; do',
      '  arg=$1; shift; left=$((left - 1))',
      `  case "$before $last" in "-vf "*piece-*.mp4) arg="$arg,${more}" ;; esac`,
      '  before=$arg; set -- "$@" "$arg"',
      'done',
      `exec ${tools.ffmpegPath} "$@"`,
    );
    const workDir = folder.path(`work-${kind}`);
    await mkdir(workDir);
    const options = { inputs: [usual, odd, usual], output: folder.path(`${kind}.mp4`), workDir };
    await expect(cutClips({ ...tools, ffmpegPath }, options)).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: {
        expected: expect.stringMatching(/^the picture of clip 2 from 3\.\d\d to [56]\.\d\d s$/),
        seen: `a ${kind} one, which the clip does not have`,
      },
    });
    expect(await readdir(workDir)).toEqual([]);
    await expect(cutClips(tools, options)).resolves.toBeDefined();
  });
});

describe('stretchFinder', () => {
  const rate = { num: 24, den: 1 };
  const STRICT = { blackShare: 0.98, blackLevel: 0.1, stillness: 0.001, frozenSeconds: 1 };

  it('reads stretches that begin and end, and those that last to the end', () => {
    const finder = stretchFinder(rate, STRICT);
    for (const [key, value] of [
      ['lavfi.black_start', '0'],
      ['lavfi.black_end', '1'],
      ['lavfi.freezedetect.freeze_start', '0'],
      ['lavfi.freezedetect.freeze_end', '1.5'],
      ['lavfi.black_start', '3'],
    ] as const)
      finder.onValue(key, value);
    expect(finder.stretches(4)).toEqual([
      { kind: 'black', from: 0, to: 1 },
      { kind: 'frozen', from: 0, to: 1.5 },
      { kind: 'black', from: 3, to: 4 },
    ]);
  });
});

describe('without', () => {
  it('leaves what nothing takes', () => {
    const taken = [
      { from: 2, to: 3 },
      { from: 9, to: 12 },
      { from: -1, to: 1 },
    ];
    expect(without({ from: 0, to: 10 }, taken)).toEqual([
      { from: 1, to: 2 },
      { from: 3, to: 9 },
    ]);
    expect(without({ from: 0, to: 1 }, [{ from: 0, to: 1 }])).toEqual([]);
  });
});
