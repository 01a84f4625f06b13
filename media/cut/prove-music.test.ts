import { mkdir } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CutPlan } from '../plan/cut-plan.js';
import type { MusicPlan } from '../plan/music-plan.js';
import { ffmpeg, mediaFolder, tools } from '../test-support/media-files.js';
import { heardThrough, makeHeardClip, makeSound } from '../test-support/music-files.js';
import { cutClips } from './cut-clips.js';
import { proveMusic } from './prove-music.js';

const folder = mediaFolder();
let music: string;
let video: string;
let plan: CutPlan & { music: MusicPlan };

beforeAll(async () => {
  const clip = await makeHeardClip(folder.path('clip.mp4'), { seconds: 4 });
  music = await makeSound(folder.path('music.wav'), 'noise', { seconds: 3 });
  const [workDir, output] = [folder.path('work'), folder.path('video.mp4')];
  await mkdir(workDir);
  const onPlan = (made: CutPlan): void => {
    if (made.music === undefined) throw new Error('music was expected in the plan');
    plan = { ...made, music: made.music };
  };
  await cutClips(tools, { inputs: [clip], output, workDir, music: { path: music }, onPlan });
  video = output;
});

/** The video with another sound, made from its own by a filter. */
async function heardAs(name: string, filter: string): Promise<string> {
  const path = folder.path(`${name}.mp4`);
  await ffmpeg('-v', 'error', '-i', video, '-c:v', 'copy', '-af', filter, path);
  return path;
}

async function prove(path: string, musicPath = music, lufs: number | 'as it was' = -14): Promise<void> {
  const levelling = { gainDb: 6, limited: false, ...(lufs !== 'as it was' && { lufs }) };
  const mix = { path: '', levelling, musicGainDb: 0 };
  await proveMusic(tools, path, { plan, music: plan.music, musicPath, mix }, {});
}

describe('proveMusic', () => {
  it('accepts what is heard to its end and as loud as it was made', async () => {
    await expect(prove(video)).resolves.toBeUndefined();
  });

  it.each([
    { what: 'that fades out at its beginning', filter: 'afade=t=out:st=0:d=0.5' },
    { what: 'that ends a second before the picture', filter: 'volume=0:enable=gte(t\\,3)' },
  ])('refuses music $what', async ({ what, filter }) => {
    const path = await heardAs(what, filter);
    expect((await heardThrough(path)).level(3.2, 3.4)).toBeLessThan(-60);
    await expect(prove(path)).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: { expected: expect.stringMatching(/^sound at -\d+\.\d dBFS in its last 0.5 s/) },
    });
  });

  it('wants nothing heard at the end where the music is silent there', async () => {
    const ends = folder.path('ends.wav');
    // In its second play of three seconds, after a crossfade of 0.75 s, 3 s into the video is 0.75 s.
    await ffmpeg('-v', 'error', '-i', music, '-af', 'volume=0:enable=lt(t\\,1.5)', ends);
    const path = await heardAs('that is silent', 'volume=0:enable=gte(t\\,3)');
    await expect(prove(path, ends)).resolves.toBeUndefined();
  });

  it.each([2.5, -2.5])('refuses a sound that is %s dB off its loudness', async (gainDb) => {
    const path = await heardAs(`off by ${gainDb}`, `volume=${gainDb}dB`);
    await expect(prove(path)).rejects.toMatchObject({
      code: 'CUT_WRONG',
      details: {
        expected: 'a loudness of -14 LUFS (within 1.5 LU)',
        seen: expect.stringMatching(/^-1\d(\.\d)? LUFS$/),
      },
    });
    await expect(prove(path, music, 'as it was')).resolves.toBeUndefined();
  });
});
