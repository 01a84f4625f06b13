import { beforeAll, describe, expect, it } from 'vitest';
import { makeVariant, VARIABLE_RATE, type Variant } from '../test-support/clip-variants.js';
import { mediaFolder, tools } from '../test-support/media-files.js';
import { probeFrames } from './probe-frames.js';

const folder = mediaFolder();
let made = 0;

/** A key frame each so many frames, as x264 makes them where groups of pictures may be open. */
function openGop(frames: number, more: string): string[] {
  return ['-g', String(frames), '-x264-params', `open-gop=1:scenecut=0:${more}`];
}

async function scanned(variant: Variant) {
  made += 1;
  const path = await makeVariant(folder.path(`clip-${made}`), variant);
  const { seen, scanOf } = await probeFrames(tools, path);
  if (seen.video === undefined) throw new Error('a picture was expected');
  return scanOf(seen.video);
}

describe('scanFrames', () => {
  let plain: Awaited<ReturnType<typeof scanned>>;
  beforeAll(async () => {
    plain = await scanned({});
  });

  it('says when the frames of a steady clip are shown', () => {
    expect(plain).toEqual({
      streamIndex: 0,
      frames: 24,
      hiddenFrames: 0,
      startSeconds: 0,
      seconds: expect.closeTo(1, 6),
      lastFrameSeconds: expect.closeTo(1 / 24, 6),
      offSeconds: expect.closeTo(0, 6),
      steady: true,
      startsWithKeyFrame: true,
      keyFrames: [0],
    });
  });

  it.each<{ what: string; variant: Variant; keyFrames: number[] }>([
    { what: 'every key frame', variant: { extra: ['-g', '6'] }, keyFrames: [0, 6, 12, 18] },
    {
      what: 'all frames where all are key frames',
      variant: { seconds: 0.25, extra: ['-g', '1'] },
      keyFrames: [0, 1, 2, 3, 4, 5],
    },
    {
      what: 'none that frames behind it are shown before',
      variant: { extra: openGop(6, 'bframes=3:b-adapt=0') },
      keyFrames: [0],
    },
    {
      what: 'none whose slices may refer to those before',
      variant: { extra: openGop(5, 'bframes=3:b-adapt=0') },
      keyFrames: [0],
    },
    { what: 'only the first of other codecs', variant: { extra: ['-c:v', 'mpeg4', '-g', '6'] }, keyFrames: [0] },
    {
      what: 'only the first where a container does not say where bytes are',
      variant: { container: 'mkv', extra: ['-g', '6'] },
      keyFrames: [0],
    },
  ])('names as places to cut at $what', async ({ variant, keyFrames }) => {
    expect((await scanned({ colour: 'testsrc', ...variant })).keyFrames).toEqual(keyFrames);
  });

  it.each<{ what: string; variant: Variant; seen: object }>([
    { what: 'a clock too coarse for whole ticks', variant: { timescale: 1000 }, seen: { frames: 24, steady: true } },
    {
      what: 'a clock so coarse that ffmpeg guesses the lengths of packets',
      variant: { timescale: 600 },
      seen: { frames: 24, steady: true, seconds: expect.closeTo(1, 6) },
    },
    {
      what: 'a rate of a fraction on a clock of 90 kHz',
      variant: { rate: '24000/1001', timescale: 90_000 },
      seen: { frames: 24, steady: true },
    },
    { what: 'a file without lengths of streams', variant: { container: 'mkv' }, seen: { frames: 24, steady: true } },
    {
      what: 'a file in fragments',
      variant: { extra: ['-movflags', 'frag_keyframe+empty_moov'] },
      seen: { frames: 24, steady: true },
    },
    { what: 'a rate that varies', variant: { extra: VARIABLE_RATE }, seen: { frames: 16, steady: false } },
    {
      what: 'a last frame that is held',
      variant: { extra: ['-vf', "select='lt(n,12)+eq(n,23)'", '-vsync', 'vfr'] },
      seen: { frames: 13, steady: false },
    },
    {
      what: 'frames that an edit list hides',
      variant: { hidden: 0.25, extra: ['-g', '48'] },
      seen: { frames: 18, hiddenFrames: expect.toSatisfy((hidden: number) => hidden > 0) },
    },
    {
      what: 'a sound that is the first stream',
      variant: { sound: { seconds: 1 }, soundFirst: true },
      seen: { streamIndex: 1, startSeconds: 0 },
    },
    {
      what: 'a picture that begins late',
      variant: { sound: { seconds: 1 }, latePicture: 0.5 },
      seen: { startSeconds: expect.closeTo(0.5, 2), steady: true },
    },
  ])('reads $what', async ({ variant, seen }) => {
    expect(await scanned(variant)).toMatchObject(seen);
  });
});
