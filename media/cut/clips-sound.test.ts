import { describe, expect, it } from 'vitest';
import { clipsSound, type JoinPart, type SoundFade } from './clips-sound.js';

const FILM = { num: 24, den: 1 };
const STEREO = { sampleRate: 48_000, channels: 2 as const };
const sound = { path: '/clips/a.mp4', channels: 2, pictureStartSeconds: 0 };
const cross: SoundFade = { frames: 12, curve: 'qsin' };

const filterOf = (parts: JoinPart[], frameRate = FILM, format: { sampleRate: number; channels: 1 | 2 } = STEREO) =>
  clipsSound({ parts, frameRate }, format, { firstInput: 1, label: 'all' });

/** How many samples each label of a filter is long, as its last `atrim` says. */
function lengths(filter: string): Map<string, number> {
  const found = filter.matchAll(/atrim=end_sample=(\d+)(?:,afade=[^,;[]*)*\[(\w+)\]/g);
  return new Map([...found].map((match) => [match[2] ?? '', Number(match[1])]));
}

/** The labels that one track is made of. */
function track(filter: string, label: string): string[] {
  const labels = new RegExp(`((?:\\[\\w+\\])+)concat=n=\\d+:v=0:a=1\\[${label}\\]`).exec(filter)?.[1] ?? '';
  return [...labels.matchAll(/\w+/g)].map((match) => match[0]);
}

describe('the sound of clips', () => {
  it('that follow each other is one behind the other, and ends in the label', () => {
    const parts = [
      { firstFrame: 0, frames: 24, sound },
      { firstFrame: 24, frames: 24 },
    ];
    expect(filterOf(parts)).toMatch(
      /;anullsrc=r=48000:cl=stereo,atrim=end_sample=48000\[s1\];\[s0\]\[s1\]concat=n=2:v=0:a=1\[all\]$/,
    );
  });

  it('that overlap is on two tracks of the whole length, each clip at its place', () => {
    const parts = [0, 36, 72, 108].map((firstFrame) => ({ firstFrame, frames: 48, sound }));
    const filter = filterOf(parts);
    const samples = lengths(filter);
    const places = [0, 1].map((side) => {
      let at = 0;
      return track(filter, `track${side}`).flatMap((label) => {
        const begin = at;
        at += samples.get(label) ?? Number.NaN;
        return label.startsWith('s') ? [`${label} at ${begin / 2000}, ends at ${at / 2000}`] : [];
      });
    });
    expect(places).toEqual([
      ['s0 at 0, ends at 48', 's2 at 72, ends at 120'],
      ['s1 at 36, ends at 84', 's3 at 108, ends at 156'],
    ]);
    for (const side of ['track0', 'track1']) {
      expect(track(filter, side).reduce((sum, label) => sum + (samples.get(label) ?? 0), 0)).toBe(156 * 2000);
    }
    expect(filter).toMatch(/;\[track0\]\[track1\]amix=inputs=2:normalize=0\[all\]$/);
  });

  it('never lets the rounding to samples add up where clips overlap', () => {
    const frameRate = { num: 30_000, den: 1001 };
    const format = { sampleRate: 44_100, channels: 2 as const };
    const parts = Array.from({ length: 9 }, (_, index) => ({ firstFrame: index * 7, frames: 10, sound }));
    const filter = filterOf(parts, frameRate, format);
    const samples = lengths(filter);
    const whole = Math.round((66 * 1001 * 44_100) / 30_000);
    for (const [side, first] of [
      ['track0', 0],
      ['track1', 1],
    ] as const) {
      let at = 0;
      let index: number = first;
      for (const label of track(filter, side)) {
        if (label.startsWith('s')) {
          expect(at).toBe(Math.round((index * 7 * 1001 * 44_100) / 30_000));
          index += 2;
        }
        at += samples.get(label) ?? Number.NaN;
      }
      expect(at).toBe(whole);
    }
  });

  it('fades by samples where it is told to, and silence does not', () => {
    const fade: SoundFade = { frames: 12, curve: 'tri' };
    const parts = [
      { firstFrame: 0, frames: 48, sound, fadeOut: fade },
      { firstFrame: 48, frames: 48, fadeIn: fade, fadeOut: cross },
      { firstFrame: 84, frames: 48, sound, fadeIn: cross },
    ];
    const filter = filterOf(parts);
    expect(filter).toContain('atrim=end_sample=96000,afade=t=out:ss=72000:ns=24000:curve=tri[s0]');
    expect(filter).toContain('atrim=end_sample=96000,afade=t=in:ss=0:ns=24000:curve=qsin[s2]');
    expect(filter.match(/afade/g)).toHaveLength(2);
  });
});
