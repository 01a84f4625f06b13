import { mkdir, readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { CutPlan } from '../plan/cut-plan.js';
import { makeVariant, type Variant } from '../test-support/clip-variants.js';
import { mediaFolder, tools } from '../test-support/media-files.js';
import type { Bars } from '../test-support/mixture.js';
import { MIXTURES_OF_FRAMES } from '../test-support/mixtures-of-frames.js';
import { MIXTURES_OF_SEAMS } from '../test-support/mixtures-of-seams.js';
import { MIXTURES_OF_SOUNDS } from '../test-support/mixtures-of-sounds.js';
import { MIXTURES_OF_STREAMS } from '../test-support/mixtures-of-streams.js';
import { heardLevels, type PlainColour, type SeenFrame, seenFrames } from '../test-support/seen-and-heard.js';
import { cutClips } from './cut-clips.js';

const folder = mediaFolder();
const MIXTURES = [...MIXTURES_OF_FRAMES, ...MIXTURES_OF_STREAMS, ...MIXTURES_OF_SOUNDS, ...MIXTURES_OF_SEAMS];
const COLOURS: PlainColour[] = ['red', 'lime', 'blue', 'yellow', 'magenta', 'cyan'];
/** The test tone is at -24 dBFS as sine's own level is 1/8; AAC and resampling move it by less than 2 dB. */
const TONE = { least: -27, most: -18 };
const SILENCE = -60;
/** AAC smears a tone's edge over its window. */
const EDGE_SECONDS = 0.08;

const made = new Map<string, Promise<string>>();
function fixture(variant: Variant): Promise<string> {
  const key = JSON.stringify(variant);
  const found = made.get(key) ?? makeVariant(folder.path(`clip-${made.size}`), variant);
  made.set(key, found);
  return found;
}

describe('a cut of', () => {
  it.each(MIXTURES)('$what', async ({ what, order, clips, result }) => {
    const colourOf = (index: number): PlainColour => COLOURS[index % COLOURS.length] ?? 'red';
    const inputs: string[] = [];
    for (const [index, { is }] of clips.entries()) inputs.push(await fixture({ colour: colourOf(index), ...is }));
    const workDir = folder.path(`work ${what}`);
    await mkdir(workDir);
    const output = folder.path(`${what}.mp4`);
    let plan: CutPlan | undefined;
    const seen = await cutClips(tools, { inputs, output, workDir, order, onPlan: (planned) => (plan = planned) });

    expect(plan?.clips.map(({ frames }) => frames)).toEqual(clips.map(({ frames }) => frames));
    for (const [index, { why }] of clips.entries()) {
      const { action, reasons = [] } = plan?.clips[index] ?? {};
      expect(reasons.join(', '), `clip ${index + 1}`).toContain(why);
      expect(action === 'copy', `clip ${index + 1} is copied`).toBe(why === '');
    }
    const [width, height] = result.size.split('x').map(Number);
    const [num, den] = result.rate.split('/').map(Number);
    expect(seen.video).toMatchObject({ codec: 'h264', width, height, pixelFormat: 'yuv420p', rotation: 0 });
    expect(seen.video).toMatchObject({ sampleAspectRatio: '1:1' });
    expect(plan?.target.frameRate).toEqual({ num, den });
    expect(seen.durationSeconds).toBeCloseTo(plan?.durationSeconds ?? 0, 2);

    const seams = plan?.seams ?? [];
    const inSeam = (frame: number): boolean =>
      seams.some(({ firstFrame, frames }) => frame >= firstFrame && frame < firstFrame + frames);
    const clipAt = (frame: number): number => plan?.clips.findLastIndex(({ firstFrame }) => firstFrame <= frame) ?? -1;
    const expected = Array.from({ length: plan?.frames ?? 0 }, (_, frame) =>
      inSeam(frame) ? 'in a seam' : framed(colourOf(clipAt(frame)), clips[clipAt(frame)]?.bars ?? 'none'),
    );
    const shown = await seenFrames(output);
    expect(shown.map((frame, index) => (inSeam(index) ? 'in a seam' : frame))).toEqual(expected);

    if (result.sound === undefined) expect(seen.audio).toBeUndefined();
    else {
      expect(seen.audio).toMatchObject({ codec: 'aac', ...result.sound });
      const level = await heardLevels(output);
      for (const [index, { heard }] of clips.entries()) {
        if (heard === undefined) continue;
        const { firstFrame = 0, frames = 0 } = plan?.clips[index] ?? {};
        const [before, after] = [seams[index - 1], seams[index]];
        const secondsOf = (frame: number): number => (frame * (den ?? 1)) / (num ?? 1);
        const begin = secondsOf(before === undefined ? firstFrame : before.firstFrame + before.frames);
        const end = secondsOf(after?.firstFrame ?? firstFrame + frames);
        const middle = secondsOf(firstFrame + frames / 2);
        const halves = [level(begin + EDGE_SECONDS, middle - EDGE_SECONDS)];
        halves.push(level(middle + EDGE_SECONDS, end - EDGE_SECONDS));
        const sounds = halves.map((half) => (half < SILENCE ? 'silence' : inTone(half) ? 'tone' : half));
        expect(sounds, `clip ${index + 1}`).toEqual(
          heard === 'tone, then silence' ? ['tone', 'silence'] : [heard, heard],
        );
      }
    }
    expect(await readdir(workDir)).toEqual([]);
  });
});

function inTone(level: number): boolean {
  return level >= TONE.least && level <= TONE.most;
}

function framed(colour: PlainColour, bars: Bars): SeenFrame {
  const [left, top] = [bars === 'sides' ? 'black' : colour, bars === 'above and below' ? 'black' : colour] as const;
  return { centre: colour, left, right: left, top, bottom: top };
}
