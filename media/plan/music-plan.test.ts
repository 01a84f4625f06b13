import { describe, expect, it } from 'vitest';
import { probed, type Unlike } from '../test-support/probed-clips.js';
import { planCut } from './cut-plan.js';
import { musicSecondsAt, planMusic } from './music-plan.js';

const file = (seconds: number) => ({ seconds, sampleRate: 32_000, channels: 1 });

describe('planMusic', () => {
  it.each([
    { music: 190, video: 20, fit: 'trimmed', plays: 1, crossfade: 0 },
    { music: 20.2, video: 20, fit: 'trimmed', plays: 1, crossfade: 0 },
    { music: 20.05, video: 20, fit: 'as long', plays: 1, crossfade: 0 },
    { music: 19.95, video: 20, fit: 'as long', plays: 1, crossfade: 0 },
    { music: 19.8, video: 20, fit: 'looped', plays: 2, crossfade: 2 },
    { music: 8, video: 14, fit: 'looped', plays: 2, crossfade: 2 },
    { music: 8, video: 14.01, fit: 'looped', plays: 3, crossfade: 2 },
    { music: 8, video: 48, fit: 'looped', plays: 8, crossfade: 2 },
    { music: 2, video: 5, fit: 'looped', plays: 3, crossfade: 0.5 },
    { music: 1, video: 600, fit: 'looped', plays: 800, crossfade: 0.25 },
  ])(
    'makes music of $music s fit a video of $video s: $fit, $plays times',
    ({ music, video, fit, plays, crossfade }) => {
      const plan = planMusic(file(music), video, false);
      expect(plan).toMatchObject({ fit, plays, crossfadeSeconds: crossfade, seconds: music });
      expect(plays * music - (plays - 1) * crossfade).toBeGreaterThanOrEqual(video - 0.1);
    },
  );

  it('fades half a second at both ends, and less of a very short video', () => {
    expect(planMusic(file(8), 48, false)).toMatchObject({ fadeInSeconds: 0.5, fadeOutSeconds: 0.5, targetLufs: -14 });
    expect(planMusic(file(8), 1, false)).toMatchObject({ fadeInSeconds: 0.25, fadeOutSeconds: 0.25 });
  });
});

describe('musicSecondsAt', () => {
  it('follows the music from play to play', () => {
    const plan = planMusic(file(8), 19, false);
    expect(plan.plays).toBe(3);
    expect([0, 5, 6, 7, 12.5, 18.5].map((at) => musicSecondsAt(plan, at))).toEqual([0, 5, 6, 1, 6.5, 6.5]);
    expect(musicSecondsAt(planMusic(file(190), 20, false), 19)).toBe(19);
  });
});

describe('planCut with music', () => {
  const clips = (...unlike: Unlike[]) => unlike.map((clip, index) => ({ number: index + 1, probe: probed(clip) }));
  const heard: Unlike = { audio: { sampleRate: 44_100, channels: 1 } };

  it('gives the result stereo sound at 48 kHz, whatever the clips have', () => {
    for (const cut of [clips({}, {}), clips(heard, {}), clips(heard, heard)]) {
      expect(planCut(cut, {}, file(8)).sound).toEqual({ sampleRate: 48_000, channels: 2 });
    }
  });

  it('ducks only where the own sound of a clip is kept', () => {
    const kept = planCut(clips(heard, {}), {}, file(8));
    expect(kept.clips.map(({ sound }) => sound)).toEqual(['own', 'silence']);
    expect(kept.music).toMatchObject({ ducked: true, fit: 'looped', plays: 3 });
    for (const alone of [planCut(clips({}, {}), {}, file(8)), planCut(clips(heard), { sound: 'none' }, file(8))]) {
      expect(new Set(alone.clips.map(({ sound }) => sound))).toEqual(new Set(['none']));
      expect(alone.music?.ducked).toBe(false);
    }
  });

  it('changes nothing else, and nothing at all where there is none', () => {
    const [without, { music, sound, ...rest }] = [planCut(clips({}, {})), planCut(clips({}, {}), {}, file(8))];
    expect(rest).toEqual(without);
    expect(without).not.toHaveProperty('music');
    expect(JSON.parse(JSON.stringify(music))).toEqual(music);
    expect(sound).toBeDefined();
  });
});
