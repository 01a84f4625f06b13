import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clipSubject } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { PROBE_VERSION } from '../media/probe/stored-probe.js';
import { makeClip, makeScript, mediaFolder } from '../media/test-support/media-files.js';
import { createFakeProvider } from '../replicate/fake-provider.js';
import { findJob } from '../storage/jobs-repository.js';
import { findMediaProbes, keepMediaProbe } from '../storage/media-probes.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { giveFinishedVideo, placeRendition } from '../test/support/rendition-rows.js';
import { createBuy } from './buy.js';
import { probesOf } from './clip-probes.js';
import { createCollectOutput } from './collect-output.js';
import { createCutVideo } from './cut-video.js';
import type { ActivityDeps } from './deps.js';
import { createMakeCombination } from './make-combination.js';

const { path } = mediaFolder();
const provider = createFakeProvider();
let rig: ActivityRig;
let deps: ActivityDeps;
let noting: ActivityDeps;
let clip: string;
let other: string;
beforeAll(async () => {
  rig = await createActivityRig();
  deps = rig.deps(provider);
  [clip, other] = [await makeClip(path('clip.mp4'), { seconds: 4 }), await makeClip(path('other.mp4'), { seconds: 1 })];
  const ffprobePath = await makeScript(path('noting-ffprobe'), `echo "$*" >> ${path('runs')}`, 'exec ffprobe "$@"');
  noting = { ...deps, tools: { ...deps.tools, ffprobePath } };
});
afterAll(() => rig.close());
beforeEach(() => writeFile(path('runs'), ''));

/** The files that ffprobe was asked about, in any order. */
async function asked(): Promise<string[]> {
  const lines = (await readFile(path('runs'), 'utf8')).trim().split('\n');
  return lines.map((line) => line.split('/').at(-1) ?? '').sort();
}

/** A job of as many clips as there are files, all of them collected, and its first run. */
async function collected(...files: string[]): Promise<{ jobId: string; runNumber: number }> {
  const jobId = await rig.order(files.length);
  for (const [index, file] of files.entries()) {
    const subject = { jobId, subject: clipSubject(index + 1) };
    const { predictionId } = await attempt(createBuy(deps), subject);
    provider.finish(predictionId, { status: 'succeeded', output: await readFile(file) });
    await attempt(createCollectOutput(deps), { ...subject, predictionId });
  }
  return { jobId, runNumber: 1 };
}

const cut = (run: { jobId: string; runNumber: number }) => attempt(createCutVideo(noting), run);
const probes = () => rig.database.knex('media_probes');
const planOf = async (jobId: string): Promise<unknown> =>
  (await rig.database.knex('jobs').where({ id: jobId }).first('cut_plan')).cut_plan;

describe('a cut', () => {
  it('goes by what its clips said when they were collected, and asks none of them again', async () => {
    const run = await collected(clip, clip);
    await cut(run);
    expect(await asked()).toEqual(['joined.mp4']);
    expect((await findJob(rig.database.knex, run.jobId))?.videoBlobId).not.toBeNull();
  });

  it('asks clips that were collected before probes were kept, once, and plans the same', async () => {
    const run = await collected(clip, clip);
    await cut(run);
    const plan = await planOf(run.jobId);
    await probes().delete();
    await writeFile(path('runs'), '');
    await cut(run);
    expect(await asked()).toEqual(['clip-1.mp4', 'clip-2.mp4', 'joined.mp4']);
    expect(await planOf(run.jobId)).toEqual(plan);
    await writeFile(path('runs'), '');
    await cut(run);
    expect(await asked()).toEqual(['joined.mp4']);
    expect(await planOf(run.jobId)).toEqual(plan);
  });

  it('does not go by a probe of another version', async () => {
    const run = await collected(clip);
    // As another version would have kept it: of no use to this one.
    await probes().update({ version: PROBE_VERSION + 1, probe: '{"formatName":"unknown"}' });
    await cut(run);
    expect(await asked()).toEqual(['clip-1.mp4', 'joined.mp4']);
    expect(await probes().count('* as count').first()).toEqual({ count: 2 });
  });

  it('says which clip it cannot use, which was stored all the same', async () => {
    const refusing = await makeScript(
      path('refusing-ffprobe'),
      `case "$*" in *packet=*) echo 'moov atom not found' >&2; exit 1;; *) exec ffprobe "$@";; esac`,
    );
    const warned: unknown[] = [];
    const logger = Object.assign(Object.create(deps.logger), { warn: (...said: unknown[]) => warned.push(said) });
    const refused = { ...deps, logger, tools: { ...deps.tools, ffprobePath: refusing } };
    await probes().delete();
    const jobId = await rig.order(1);
    const subject = { jobId, subject: clipSubject(1) };
    const { predictionId } = await attempt(createBuy(deps), subject);
    provider.finish(predictionId, { status: 'succeeded', output: await readFile(clip) });
    await attempt(createCollectOutput(refused), { ...subject, predictionId });
    expect(warned).toEqual([[expect.objectContaining({ jobId, clip: 1 }), expect.stringContaining('no cut can use')]]);
    await expect(attempt(createCutVideo(refused), { jobId, runNumber: 1 })).rejects.toMatchObject({
      code: 'MEDIA_UNREADABLE',
      details: { clip: 1 },
    });
    expect(await probes()).toEqual([]);
  });
});

it('a combination keeps what its videos say for the next one', async () => {
  const jobId = await rig.order(1);
  const source = {
    jobId,
    blobId: await giveFinishedVideo(rig.database.knex, deps.blobs, jobId, { file: other, seconds: 1 }),
  };
  const combine = async (): Promise<string[]> => {
    await writeFile(path('runs'), '');
    const place = { ownerId: rig.ownerId, kind: 'combination', sources: [source, source] } as const;
    await attempt(createMakeCombination(noting), {
      renditionId: await placeRendition(rig.database.knex, { ...place, sources: [source, source] }),
    });
    return await asked();
  };
  expect(await combine()).toEqual(['joined.mp4', 'video-1.mp4', 'video-2.mp4']);
  expect(await combine()).toEqual(['joined.mp4']);
});

describe('probesOf', () => {
  it('gives kept and new probes in the order of the clips, and keeps none where the bytes are not known', async () => {
    const { knex } = rig.database;
    await probes().delete();
    const [first] = await probesOf(deps, [{ number: 1, path: clip, sha256: 'aa' }], {});
    const files = [
      { number: 1, path: other, sha256: null },
      { number: 2, path: '/no/such/file', sha256: 'aa' },
      { number: 3, path: other, sha256: 'bb' },
    ];
    const seen = await probesOf(deps, files, {});
    expect(seen.map(({ durationSeconds }) => durationSeconds)).toEqual([1, 4, 1]);
    expect(seen[1]).toStrictEqual(first);
    expect([...(await findMediaProbes(knex, PROBE_VERSION, ['aa', 'bb', 'cc'])).keys()].sort()).toEqual(['aa', 'bb']);
  });

  it('leaves a probe as it was kept first', async () => {
    const { knex } = rig.database;
    const key = { sha256: 'dd', version: 7 };
    await keepMediaProbe(knex, key, { first: true });
    await keepMediaProbe(knex, key, { first: false });
    expect(await findMediaProbes(knex, 7, ['dd'])).toEqual(new Map([['dd', { first: true }]]));
  });

  it('names the clip that cannot be read, and ends with its signal', async () => {
    const broken = probesOf(deps, [{ number: 5, path: '/no/such/file', sha256: 'ee' }], {});
    await expect(broken).rejects.toMatchObject({ code: 'MEDIA_UNREADABLE', details: { clip: 5 } });
    const reason = new ReelwrightError('INTERNAL', 'ended by the test');
    const ended = probesOf(deps, [{ number: 1, path: other, sha256: null }], { signal: AbortSignal.abort(reason) });
    await expect(ended).rejects.toBe(reason);
  });
});
