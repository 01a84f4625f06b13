import { describe, expect, it } from 'vitest';
import { probed, type Unlike } from '../test-support/probed-clips.js';
import { type CutOrder, type CutPlan, planCut } from './cut-plan.js';
import { copyableSpan, type Piece, piecesOf } from './plan-pieces.js';

const plan = (clips: Unlike[], transition: CutOrder['transition'], order: CutOrder = {}): CutPlan =>
  planCut(
    clips.map((clip, index) => ({ number: index + 1, probe: probed(clip) })),
    { ...order, transition },
  );

/** 8 s at 24 frames a second with a key frame each second. */
const keyed: Unlike = { scan: { keyFrames: [0, 24, 48, 72, 96, 120, 144, 168] } };
const oneKey: Unlike = {};
const odd: Unlike = { video: { frameRate: { num: 25, den: 1 } } };

/** "copy 1:0-168" and "encode 1:168-192+2:0-24": clips with the first of their frames and the one behind the last. */
function inWords(piece: Piece): string {
  if (piece.action === 'copy') return `copy ${piece.clip}:${piece.fromFrame}-${piece.fromFrame + piece.frames}`;
  const sources = piece.sources.map(({ clip, fromFrame, frames, fadeIn, fadeOut }) => {
    const fades = `${fadeIn > 0 ? ` in ${fadeIn}` : ''}${fadeOut > 0 ? ` out ${fadeOut}` : ''}`;
    return `${clip}:${fromFrame}-${fromFrame + frames}${fades}`;
  });
  return `encode ${sources.join('+')}`;
}

describe('the pieces of a plan', () => {
  it.each<{ what: string; clips: Unlike[]; kind: 'crossfade' | 'fade'; pieces: string[]; actions: string[] }>([
    {
      what: 'a clip that is copied whole where there is only one',
      clips: [keyed],
      kind: 'crossfade',
      pieces: ['copy 1:0-192'],
      actions: ['copy'],
    },
    {
      what: 'copies between key frames, and what is between them',
      clips: [keyed, keyed, keyed],
      kind: 'crossfade',
      pieces: ['copy 1:0-168', 'encode 1:168-192+2:0-24', 'copy 2:24-168', 'encode 2:168-192+3:0-24', 'copy 3:24-192'],
      actions: ['copy-middle', 'copy-middle', 'copy-middle'],
    },
    {
      what: 'for a fade the end of a clip and the beginning of the next by themselves',
      clips: [keyed, keyed],
      kind: 'fade',
      pieces: ['copy 1:0-168', 'encode 1:168-192 out 12', 'encode 2:0-24 in 12', 'copy 2:24-192'],
      actions: ['copy-middle', 'copy-middle'],
    },
    {
      what: 'seams and whole clips where there is no key frame between',
      clips: [oneKey, oneKey, oneKey],
      kind: 'crossfade',
      pieces: [
        'encode 1:0-180',
        'encode 1:180-192+2:0-12',
        'encode 2:12-180',
        'encode 2:180-192+3:0-12',
        'encode 3:12-192',
      ],
      actions: ['encode', 'encode', 'encode'],
    },
    {
      what: 'whole clips that fade at both ends where there is no key frame between',
      clips: [oneKey, oneKey, oneKey],
      kind: 'fade',
      pieces: ['encode 1:0-192 out 12', 'encode 2:0-192 in 12 out 12', 'encode 3:0-192 in 12'],
      actions: ['encode', 'encode', 'encode'],
    },
    {
      what: 'seams of copied clips with those that do not fit',
      clips: [keyed, odd, keyed],
      kind: 'crossfade',
      pieces: [
        'copy 1:0-168',
        'encode 1:168-192+2:0-12',
        'encode 2:12-180',
        'encode 2:180-192+3:0-24',
        'copy 3:24-192',
      ],
      actions: ['copy-middle', 'encode', 'copy-middle'],
    },
    {
      what: 'nothing of a key frame that lies in a seam',
      clips: [{ scan: { keyFrames: [0, 185] } }, { scan: { keyFrames: [0, 6, 100] } }],
      kind: 'crossfade',
      pieces: ['encode 1:0-180', 'encode 1:180-192+2:0-100', 'copy 2:100-192'],
      actions: ['encode', 'copy-middle'],
    },
    {
      what: 'copies beside a clip that is too short for seams',
      clips: [oneKey, { scan: { seconds: 1 / 24 } }, oneKey],
      kind: 'crossfade',
      pieces: ['copy 1:0-192', 'copy 2:0-1', 'copy 3:0-192'],
      actions: ['copy', 'copy', 'copy'],
    },
  ])('are $what', ({ clips, kind, pieces, actions }) => {
    const planned = plan(clips, kind);
    const made = piecesOf(planned);
    expect(made.map(inWords)).toEqual(pieces);
    expect(planned.clips.map(({ action }) => action)).toEqual(actions);
    let frames = 0;
    for (const piece of made) {
      expect(piece.firstFrame).toBe(frames);
      frames += piece.frames;
    }
    expect(frames).toBe(planned.frames);
  });

  it('tell from which key frame the decoder has to begin', () => {
    const made = piecesOf(plan([keyed, odd, keyed], 'crossfade'));
    const begins = made.map((piece) =>
      piece.action === 'copy' ? piece.lastKeyFrame : piece.sources.map(({ decodeFrom }) => decodeFrom),
    );
    // The first clip is shown from frame 0, the second one from 180, the third one from 360.
    expect(begins).toEqual([144, [168, 0], [0], [0, 0], 528]);
  });

  it('are the clips where all transitions are cuts, and the plan is as it was without transitions', () => {
    const clips = [keyed, odd, { video: { timeBase: { num: 1, den: 600 } } }, keyed];
    const planned = plan(clips, 'cut');
    expect(piecesOf(planned).map(inWords)).toEqual(['copy 1:0-192', 'encode 2:0-192', 'copy 3:0-192', 'copy 4:0-192']);
    expect(planned).toEqual(plan(clips, undefined));
    expect(Object.keys(planned)).toEqual(['target', 'frames', 'durationSeconds', 'clips']);
  });
});

describe('a plan with seams', () => {
  it('says in words what of a clip is encoded and why', () => {
    const slow: Unlike = { scan: keyed.scan ?? {}, video: { timeBase: { num: 1, den: 12_288 } } };
    const { clips, seams } = plan([keyed, slow, oneKey, odd, keyed], 'fade');
    expect(clips.map(({ reasons }) => reasons)).toEqual([
      ['frames 168 to 191 belong to seams'],
      ['time base 1/12288 instead of 1/24000', 'frames 0 to 23 and 168 to 191 belong to seams'],
      ['no key frame between its seams'],
      ['frame rate 25 instead of 24'],
      ['frames 0 to 23 belong to seams'],
    ]);
    expect(seams?.map(({ from, to }) => [from, to])).toEqual([
      [1, 2],
      [2, 3],
      [3, 4],
      [4, 5],
    ]);
    for (const { placed } of clips) expect(placed).toEqual({ width: 1920, height: 1080, x: 0, y: 0 });
  });

  it.each<{ what: string; clips: Unlike[]; order: CutOrder; begins: number[]; durationSeconds: number }>([
    {
      what: 'overlaps',
      clips: [keyed, odd, oneKey],
      order: { transition: 'crossfade' },
      begins: [0, 7.5, 15],
      durationSeconds: 23,
    },
    {
      what: 'fades',
      clips: [keyed, odd, oneKey],
      order: { transition: 'fade' },
      begins: [0, 8, 16],
      durationSeconds: 24,
    },
    {
      what: 'has 25 frames a second',
      clips: [keyed, keyed],
      order: { transition: 'crossfade', frameRate: { num: 25, den: 1 } },
      begins: [0, 7.48],
      durationSeconds: 15.48,
    },
    {
      what: 'has clips shorter than a seam',
      clips: [keyed, { scan: { seconds: 0.25, frames: 6 } }, keyed],
      order: { transition: 'crossfade' },
      begins: [0, 7.916667, 8.083333],
      durationSeconds: 16.083333,
    },
  ])('counts times in frames where it $what', ({ clips, order, begins, durationSeconds }) => {
    const planned = plan(clips, order.transition, order);
    expect(planned.clips.map(({ beginSeconds }) => beginSeconds)).toEqual(begins);
    expect(planned.durationSeconds).toBe(durationSeconds);
  });

  it('is plain JSON', () => {
    const made = plan([keyed, odd, { audio: {} }, keyed], 'crossfade');
    expect(JSON.parse(JSON.stringify(made))).toEqual(made);
  });
});

describe('copyableSpan', () => {
  const clip = { keyFrames: [0, 12, 24, 36], frames: 48 };
  it.each([
    { head: 0, tail: 12, span: { from: 0, to: 36 } },
    { head: 12, tail: 12, span: { from: 12, to: 36 } },
    { head: 13, tail: 0, span: { from: 24, to: 48 } },
    { head: 12, tail: 30, span: undefined },
    { head: 37, tail: 0, span: undefined },
    { head: 0, tail: 40, span: undefined },
  ])('of seams of $head and $tail frames', ({ head, tail, span }) => {
    expect(copyableSpan(clip, head, tail)).toEqual(span);
  });
});
