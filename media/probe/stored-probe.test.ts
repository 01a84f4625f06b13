import { beforeAll, expect, it } from 'vitest';
import { planCut } from '../plan/cut-plan.js';
import { ffmpeg, makeClip, mediaFolder, tools } from '../test-support/media-files.js';
import { probed, type Unlike } from '../test-support/probed-clips.js';
import { type ClipProbe, probeClip } from './probe-clip.js';
import { readProbe, type StoredProbe, storedProbe } from './stored-probe.js';

const folder = mediaFolder();
const carried = (probe: ClipProbe): ClipProbe =>
  readProbe(JSON.parse(JSON.stringify(storedProbe(probe))) as StoredProbe);

const files: Record<string, string> = {};
beforeAll(async () => {
  const sound = { seconds: 1 };
  const usual = await makeClip(folder.path('usual.mp4'), { sound });
  Object.assign(files, {
    usual,
    silent: await makeClip(folder.path('silent.mp4'), { rate: '30000/1001', extra: ['-bf', '0', '-g', '5'] }),
    tagged: await makeClip(folder.path('tagged.mp4'), { extra: ['-colorspace', 'bt709', '-color_range', 'tv'] }),
    matroska: folder.path('matroska.mp4'),
    sound: folder.path('sound.mp4'),
  });
  await ffmpeg('-v', 'error', '-i', usual, '-c', 'copy', '-f', 'matroska', files['matroska'] ?? '');
  await ffmpeg('-v', 'error', '-i', usual, '-c', 'copy', '-vn', files['sound'] ?? '');
});

it.each(['usual', 'silent', 'tagged', 'matroska', 'sound'])('keeps all that a clip says (%s)', async (name) => {
  const probe = await probeClip(tools, 1, files[name] ?? '');
  expect(carried(probe)).toStrictEqual(probe);
});

it.each<{ what: string; clip: Unlike }>([
  { what: 'a frame without a time', clip: { scan: { offSeconds: Number.POSITIVE_INFINITY, steady: false } } },
  { what: 'no key frame', clip: { scan: { keyFrames: [] } } },
])('keeps that there is $what, so that the plan stays the same', ({ clip }) => {
  const probe = probed(clip);
  expect(carried(probe)).toStrictEqual(probe);
  const planOf = (one: ClipProbe) =>
    planCut([
      { number: 1, probe: one },
      { number: 2, probe: probed() },
    ]);
  expect(planOf(carried(probe))).toEqual(planOf(probe));
});
