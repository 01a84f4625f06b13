import { describe, expect, it } from 'vitest';
import { planSeams, type Seam } from './plan-seams.js';

const clips = (frames: number[]) => frames.map((own, index) => ({ number: index + 1, frames: own }));
const placesOf = (seams: Seam[]) => seams.map(({ firstFrame, frames }) => [firstFrame, frames]);
const FILM = { num: 24, den: 1 };

describe('planSeams', () => {
  it.each<{
    what: string;
    kind: Seam['kind'];
    frames: number[];
    rate?: { num: number; den: number };
    places: number[][];
  }>([
    { what: 'none of a single clip', kind: 'crossfade', frames: [192], places: [] },
    { what: 'where two clips overlap', kind: 'crossfade', frames: [192, 96], places: [[180, 12]] },
    { what: 'at both sides of where clips meet', kind: 'fade', frames: [192, 96], places: [[180, 24]] },
    {
      what: 'one behind the other',
      kind: 'crossfade',
      frames: [48, 48, 48],
      places: [
        [36, 12],
        [72, 12],
      ],
    },
    {
      what: 'that do not move what is behind them',
      kind: 'fade',
      frames: [48, 48, 48],
      places: [
        [36, 24],
        [84, 24],
      ],
    },
    {
      what: 'of whole frames, rounded up',
      kind: 'crossfade',
      rate: { num: 25, den: 1 },
      frames: [50, 50],
      places: [[37, 13]],
    },
    {
      what: 'of a fractional rate',
      kind: 'crossfade',
      rate: { num: 30_000, den: 1001 },
      frames: [60, 60],
      places: [[45, 15]],
    },
    { what: 'of one frame at the least', kind: 'fade', rate: { num: 1, den: 2 }, frames: [4, 4], places: [[3, 2]] },
    {
      what: 'as long as they can be where a clip is just long enough',
      kind: 'crossfade',
      frames: [48, 25, 48],
      places: [
        [36, 12],
        [49, 12],
      ],
    },
    {
      what: 'shorter where a clip is as long as both',
      kind: 'crossfade',
      frames: [48, 24, 48],
      places: [
        [37, 11],
        [50, 11],
      ],
    },
    {
      what: 'shorter where the first clip is short',
      kind: 'crossfade',
      frames: [6, 48, 48],
      places: [
        [1, 5],
        [37, 12],
      ],
    },
    {
      what: 'shorter where the last clip is short',
      kind: 'fade',
      frames: [48, 48, 3],
      places: [
        [36, 24],
        [94, 4],
      ],
    },
    {
      what: 'of no frames where a clip has none to spare',
      kind: 'crossfade',
      frames: [48, 1, 48],
      places: [
        [48, 0],
        [49, 0],
      ],
    },
    {
      what: 'of no frames beside a clip of two',
      kind: 'fade',
      frames: [48, 2, 48],
      places: [
        [48, 0],
        [50, 0],
      ],
    },
  ])('places seams $what', ({ kind, frames, rate = FILM, places }) => {
    expect(placesOf(planSeams(clips(frames), kind, rate))).toEqual(places);
  });

  it('says which clip makes a seam short, and names the clips on either side', () => {
    const [first, second, third] = planSeams(clips([48, 24, 10, 48]), 'crossfade', FILM);
    expect(first).toMatchObject({ kind: 'crossfade', from: 1, to: 2 });
    expect(first?.reasons).toEqual(['11 instead of 12 frames of each clip: clip 2 has only 24']);
    expect(second?.reasons).toEqual([
      '4 instead of 12 frames of each clip: clip 2 has only 24',
      '4 instead of 12 frames of each clip: clip 3 has only 10',
    ]);
    expect(third?.reasons).toEqual(['4 instead of 12 frames of each clip: clip 3 has only 10']);
    expect(planSeams(clips([48, 48]), 'crossfade', FILM)[0]?.reasons).toEqual([]);
  });

  it('leaves each clip a frame of its own, however short clips are', () => {
    for (const kind of ['crossfade', 'fade'] as const) {
      for (let length = 1; length <= 30; length += 1) {
        const frames = [length, 30 - length + 1, length, 7];
        const taken = planSeams(clips(frames), kind, FILM).map((seam) =>
          kind === 'fade' ? seam.frames / 2 : seam.frames,
        );
        for (const [index, own] of frames.entries()) {
          expect(
            own - (taken[index - 1] ?? 0) - (taken[index] ?? 0),
            `${kind} ${frames.join()}`,
          ).toBeGreaterThanOrEqual(1);
        }
      }
    }
  });
});
