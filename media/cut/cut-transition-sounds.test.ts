import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { CutPlan } from '../plan/cut-plan.js';
import { makeVariant, type Variant } from '../test-support/clip-variants.js';
import { mediaFolder, tools } from '../test-support/media-files.js';
import { heardLevels } from '../test-support/seen-and-heard.js';
import { cutClips } from './cut-clips.js';

const folder = mediaFolder();
const AAC_FRAME_SAMPLES = 1024;

/** Noise that is the same nowhere in it. */
const noise = "aeval='0.3*(2*random(0)-1)|0.3*(2*random(1)-1)'";
/** A knock of 20 ms at 0.75 s, and at 1.25 s. */
const knocks = "volume='if(between(mod(t,0.5),0.25,0.27)*between(t,0.7,1.3),1,0)':eval=frame";
const clip = (filter: string, more: Variant = {}): Variant => {
  const { extra = [], ...others } = more;
  return { seconds: 2, sound: { seconds: 2 }, ...others, extra: ['-af', `asetnsamples=n=64,${filter}`, ...extra] };
};

async function cutOf(name: string, transition: 'crossfade' | 'fade', clips: Variant[]) {
  const inputs: string[] = [];
  for (const [index, one] of clips.entries()) inputs.push(await makeVariant(folder.path(`${name}-${index}`), one));
  const output = folder.path(`${name}.mp4`);
  let plan: CutPlan | undefined;
  const order = { transition };
  await cutClips(tools, { inputs, output, workDir: folder.path(), order, onPlan: (made) => (plan = made) });
  if (plan === undefined) throw new Error('a plan was expected');
  return { plan, level: await heardLevels(output), samples: await countSamples(output) };
}

/** Samples of one channel that a file's sound decodes to. */
async function countSamples(path: string): Promise<number> {
  const raw = ['-map', '0:a:0', '-ac', '1', '-f', 's16le', '-'];
  const options = { encoding: 'buffer', timeout: 20_000, maxBuffer: 64 * 1024 * 1024 } as const;
  const { stdout } = await promisify(execFile)(tools.ffmpegPath, ['-v', 'error', '-i', path, ...raw], options);
  return stdout.length / 2;
}

describe.each(['crossfade', 'fade'] as const)('the sound of clips with a %s between them', (kind) => {
  it.each<{ what: string; clips: Variant[] }>([
    { what: 'alike', clips: [clip(knocks), clip(knocks), clip(knocks)] },
    {
      what: 'of other rates, and one without sound',
      clips: [
        clip(knocks, { rate: '25' }),
        { seconds: 2 },
        clip(knocks, { rate: '30', sound: { seconds: 2, sampleRate: 44_100, channels: 1 } }),
        clip(knocks),
      ],
    },
    { what: 'of a fractional rate', clips: Array.from({ length: 6 }, () => clip(knocks, { rate: '24000/1001' })) },
  ])('lies at its picture, and is as long: clips $what', async ({ what, clips }) => {
    const { plan, level, samples } = await cutOf(`${kind}-${what.replaceAll(/\W/g, '-')}`, kind, clips);
    const { num, den } = plan.target.frameRate;
    const exact = Math.round((plan.frames * den * (plan.sound?.sampleRate ?? 0)) / num);
    expect(samples - exact).toBeGreaterThanOrEqual(0);
    expect(samples - exact).toBeLessThan(AAC_FRAME_SAMPLES);
    for (const { beginSeconds, sound, number } of plan.clips) {
      for (const at of [0.75, 1.25]) {
        const loudest = loudestBetween(level, beginSeconds + at - 0.15, beginSeconds + at + 0.15);
        if (sound === 'silence') expect(loudest.level, `clip ${number}`).toBeLessThan(-60);
        else expect(Math.abs(loudest.at - (beginSeconds + at + 0.01)), `clip ${number}`).toBeLessThan(0.012);
      }
    }
  });
});

describe('the level of the sound', () => {
  it('stays where unlike sounds cross, at their places', async () => {
    const { level } = await cutOf('level', 'crossfade', [clip(noise), clip(`${noise},volume=1`, { rate: '25' })]);
    const outside = level(0.3, 1.3);
    for (const from of [1.5, 1.6, 1.7, 1.8, 1.9]) expect(Math.abs(level(from, from + 0.1) - outside)).toBeLessThan(1);
    expect(Math.abs(level(2.2, 3.2) - outside)).toBeLessThan(1);
  });

  it('falls to silence with the picture and comes up again, and does neither at the ends', async () => {
    const { level } = await cutOf('falls', 'fade', [clip(noise), clip(noise)]);
    const outside = level(0.3, 1.3);
    expect(Math.abs(level(0.05, 0.15) - outside)).toBeLessThan(1);
    expect(Math.abs(level(3.85, 3.95) - outside)).toBeLessThan(1);
    expect(level(1.99, 2.01)).toBeLessThan(outside - 25);
    for (const middle of [1.75, 2.25]) {
      expect(Math.abs(level(middle - 0.03, middle + 0.03) - (outside - 6))).toBeLessThan(1.5);
    }
  });

  it('goes over into silence where the next clip has none', async () => {
    const { level } = await cutOf('silence', 'crossfade', [clip(noise), { seconds: 2 }]);
    const outside = level(0.3, 1.3);
    expect(Math.abs(level(1.72, 1.78) - (outside - 3))).toBeLessThan(1.5);
    expect(level(2.1, 3.4)).toBeLessThan(-60);
  });
});

function loudestBetween(level: (from: number, to: number) => number, from: number, to: number) {
  const STEP = 0.005;
  let best = { at: from, level: Number.NEGATIVE_INFINITY };
  for (let at = from; at < to; at += STEP) {
    const seen = level(at - STEP * 2, at + STEP * 2);
    if (seen > best.level) best = { at, level: seen };
  }
  return best;
}
