import { readdir, writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { renditionWorkflowId } from '../domain/contract.js';
import { makeClip, makeScript, mediaFolder } from '../media/test-support/media-files.js';
import { heardLevels, seenFrames } from '../media/test-support/seen-and-heard.js';
import { createFakeProvider } from '../replicate/fake-provider.js';
import { markRenditionStarted, moveRendition, requestRenditionCancel } from '../storage/rendition-moves.js';
import type { RenditionRecord } from '../storage/renditions-repository.js';
import { type ActivityRig, attempt, createActivityRig } from '../test/support/activity-rig.js';
import { ffprobe } from '../test/support/frames.js';
import { type ReconcileRig, reconcileRig } from '../test/support/reconcile-rig.js';
import { giveFinishedVideo, placeRendition, readRenditionRow } from '../test/support/rendition-rows.js';
import type { ActivityDeps } from './deps.js';
import { createEndRendition, endAbandonedRenditions } from './end-renditions.js';
import { createJobRowActivities } from './job-rows.js';
import { createMakeCombination } from './make-combination.js';
import { createMakeExport } from './make-export.js';
import { createReconcile } from './reconcile.js';
import { startOwedRenditions } from './start-owed-renditions.js';

const { path } = mediaFolder();
let rig: ActivityRig;
let deps: ActivityDeps;
let red: { jobId: string; blobId: string };
let blue: { jobId: string; blobId: string };
let odd: { jobId: string; blobId: string };
beforeAll(async () => {
  rig = await createActivityRig();
  deps = rig.deps(createFakeProvider());
  const video = async (name: string, options: Parameters<typeof makeClip>[1]) => {
    const file = await makeClip(path(`${name}.mp4`), { size: '320x180', sound: { seconds: 1 }, ...options });
    const jobId = await rig.order(1);
    return { jobId, blobId: await giveFinishedVideo(rig.database.knex, deps.blobs, jobId, { file, seconds: 1 }) };
  };
  red = await video('red', { colour: 'red' });
  blue = await video('blue', { colour: 'blue' });
  odd = await video('odd', { colour: 'lime', size: '180x320', rate: '30', sound: undefined as never });
});
afterAll(() => rig.close());

const place = (given: Partial<Parameters<typeof placeRendition>[1]> = {}): Promise<string> =>
  placeRendition(rig.database.knex, { ownerId: rig.ownerId, sources: [red], ...given });
const row = (id: string): Promise<RenditionRecord> => readRenditionRow(rig.database.knex, id);
const cancel = (id: string) => requestRenditionCancel(rig.database.knex, id, { ownerId: rig.ownerId, kind: 'export' });

/** Writes what was stored to a file, and gives its path. */
async function fileOf({ id, blobId, format }: RenditionRecord): Promise<string> {
  const file = path(`${id}.${format}`);
  await writeFile(file, await buffer(deps.blobs.open(blobId ?? '')));
  return file;
}

describe('makeExport', () => {
  it.each([
    ['mp4', 'high', 'h264'],
    ['webm', 'low', 'vp9'],
  ] as const)('stores the video as %s in %s quality and completes the row', async (format, quality, codec) => {
    const renditionId = await place({ format, quality });
    const result = await attempt(createMakeExport(deps), { renditionId });
    const made = await row(renditionId);
    expect(made).toMatchObject({ status: 'completed', percent: 100, error: null, sizeBytes: result.sizeBytes });
    expect(made.durationSeconds).toBeCloseTo(1, 1);
    expect(made.completedAt).not.toBeNull();
    expect((await ffprobe(await fileOf(made))).streams[0]).toMatchObject({
      codec_name: codec,
      width: 320,
      height: 180,
    });
    expect(await readdir(deps.workRoot)).toEqual([]);
    // An answer that was lost: nothing is encoded again.
    const none = { ...deps, tools: { ...deps.tools, ffmpegPath: '/no/such/program' } };
    expect(await attempt(createMakeExport(none), { renditionId })).toEqual(result);
  });

  it('notes how far it is while it runs', async () => {
    const pausing = await makeScript(
      path('pausing-ffmpeg'),
      `case "$*" in *-encoders*) exec ffmpeg "$@";; *null*) while [ ! -e ${path('go-on')} ]; do sleep 0.05; done; exec ffmpeg "$@";; *) exec ffmpeg "$@";; esac`,
    );
    const renditionId = await place();
    const making = attempt(createMakeExport({ ...deps, tools: { ...deps.tools, ffmpegPath: pausing } }), {
      renditionId,
    });
    await expect.poll(async () => (await row(renditionId)).percent, { timeout: 20_000 }).toBeGreaterThan(50);
    expect(await row(renditionId)).toMatchObject({ status: 'running', completedAt: null });
    await writeFile(path('go-on'), '');
    await making;
    expect((await row(renditionId)).percent).toBe(100);
  });

  it('is not made once its end was asked for, and one that is over stays over', async () => {
    const renditionId = await place();
    expect(await cancel(renditionId)).toBe('cancelled');
    const none = { ...deps, tools: { ...deps.tools, ffprobePath: '/no/such/program' } };
    await expect(attempt(createMakeExport(none), { renditionId })).rejects.toMatchObject({ code: 'WRONG_STATE' });
    expect(await row(renditionId)).toMatchObject({ status: 'cancelled', blobId: null });
    await expect(attempt(createMakeExport(deps), { renditionId: red.jobId })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

describe('makeCombination', () => {
  it('joins alike videos by copy, in their order, and one may come twice', async () => {
    const renditionId = await place({ kind: 'combination', sources: [blue, red, blue] });
    const result = await attempt(createMakeCombination(deps), { renditionId });
    expect(result.durationSeconds).toBeCloseTo(3, 1);
    const file = await fileOf(await row(renditionId));
    const heard = await heardLevels(file);
    for (const second of [0, 1, 2]) expect(heard(second + 0.2, second + 0.8)).toBeGreaterThan(-30);
    const frames = (await seenFrames(file)).map(({ centre }) => centre);
    expect(frames).toHaveLength(72);
    expect([frames[0], frames[23], frames[24], frames[47], frames[48], frames[71]]).toEqual([
      'blue',
      'blue',
      'red',
      'red',
      'blue',
      'blue',
    ]);
    expect(await readdir(deps.workRoot)).toEqual([]);
  });

  it('encodes what differs, and combines again what was combined of unlike ones', async () => {
    const mixed = await place({ kind: 'combination', sources: [red, odd, blue] });
    await attempt(createMakeCombination(deps), { renditionId: mixed });
    const made = await row(mixed);
    const frames = await seenFrames(await fileOf(made));
    expect([frames.length, frames[0]?.centre, frames[36]?.centre, frames[36]?.left, frames[60]?.centre]).toEqual([
      72,
      'red',
      'lime',
      'black',
      'blue',
    ]);
    const again = await place({
      kind: 'combination',
      sources: [{ jobId: red.jobId, blobId: made.blobId ?? '' }, red, { jobId: red.jobId, blobId: made.blobId ?? '' }],
    });
    await attempt(createMakeCombination(deps), { renditionId: again });
    const colours = (await seenFrames(await fileOf(await row(again)))).map(({ centre }) => centre);
    const once = [
      ...Array<string>(24).fill('red'),
      ...Array<string>(24).fill('lime'),
      ...Array<string>(24).fill('blue'),
    ];
    expect(colours).toEqual([...once, ...Array<string>(24).fill('red'), ...once]);
  });

  it('fades where that was asked for', async () => {
    const renditionId = await place({ kind: 'combination', sources: [red, blue], transition: 'fade' });
    await attempt(createMakeCombination(deps), { renditionId });
    const frames = await seenFrames(await fileOf(await row(renditionId)));
    expect([frames[0]?.centre, frames.at(-1)?.centre]).toEqual(['red', 'blue']);
    expect(frames.map(({ centre }) => centre)).toContain('black');
  });
});

describe('endRendition', () => {
  const end = (renditionId: string) =>
    attempt(createEndRendition(deps), {
      renditionId,
      end: 'failed',
      error: { code: 'ENCODER_MISSING', message: 'no VP9' },
    } as const);

  it('states the failure', async () => {
    const id = await place();
    expect(await end(id)).toEqual({ status: 'failed' });
    expect(await row(id)).toMatchObject({ status: 'failed', error: { code: 'ENCODER_MISSING', message: 'no VP9' } });
  });

  it('gives whoever asked for its end that end', async () => {
    const id = await place();
    await markRenditionStarted(rig.database.knex, id);
    expect(await cancel(id)).toBe('requested');
    expect(await cancel(id)).toBe('unchanged');
    expect(await moveRendition(rig.database.knex, id, { status: 'running' })).toBe(false);
    expect(await end(id)).toEqual({ status: 'cancelled' });
    expect(await row(id)).toMatchObject({ status: 'cancelled', error: null });
  });

  it('does not undo a completion, of which there is no cancel either', async () => {
    const id = await place();
    await attempt(createMakeExport(deps), { renditionId: id });
    await end(id);
    expect((await row(id)).status).toBe('completed');
    await expect(cancel(id)).rejects.toMatchObject({ code: 'WRONG_STATE' });
  });
});

describe('the reconciler', () => {
  let scene: ReconcileRig;
  beforeEach(async () => {
    scene = reconcileRig(rig);
    await rig.database.knex('renditions').delete();
  });

  it('starts what is still owed, however often, and goes on behind one that cannot be started', async () => {
    const ids = [await place(), await place({ kind: 'combination', sources: [red, blue] }), await place()];
    const taken: string[] = [];
    const startRendition = async ({ id }: RenditionRecord): Promise<void> => {
      if (id === ids[0]) throw new Error('not now');
      taken.push(id);
    };
    const started = { ...scene.deps, startRendition };
    expect(await startOwedRenditions(started, 60_000, 10)).toBe(0);
    expect(await startOwedRenditions(started, 0, 10)).toBe(2);
    expect(taken).toEqual(ids.slice(1));
    expect(await startOwedRenditions({ ...started, startRendition: async () => undefined }, 0, 10)).toBe(1);
    expect(await startOwedRenditions(started, 0, 10)).toBe(0);
    expect((await row(ids[0] ?? '')).startedAt).not.toBeNull();
  });

  it('leaves a cancelled one that was never started', async () => {
    await cancel(await place());
    expect(await startOwedRenditions(scene.deps, 0, 10)).toBe(0);
  });

  it.each([
    ['closed', false, 'failed'],
    ['missing', false, 'failed'],
    ['closed', true, 'cancelled'],
  ] as const)('ends one whose workflow is %s (cancel asked for: %s) as %s', async (state, asked, status) => {
    const id = await place();
    await markRenditionStarted(rig.database.knex, id);
    if (asked) await cancel(id);
    scene.workflows.states.set(renditionWorkflowId('export', id), state);
    expect(await endAbandonedRenditions(scene.deps, scene.settings)).toBe(1);
    expect(await row(id)).toMatchObject({ status, error: asked ? null : { code: 'WORKFLOW_ENDED' } });
    expect(await endAbandonedRenditions(scene.deps, scene.settings)).toBe(0);
  });

  it('has them among its rules', async () => {
    const owed = await place();
    await rig.database
      .knex('renditions')
      .where({ id: owed })
      .update({ updated_at: new Date(0) });
    const rows = createJobRowActivities({ ...scene.deps, startRendition: async () => undefined });
    expect(await attempt(rows.startOwedRuns, undefined)).toEqual({ started: 1 });
    scene.workflows.states.set(renditionWorkflowId('export', owed), 'closed');
    const ended = await attempt(createReconcile(scene.deps, scene.settings), undefined);
    expect([ended.ended, (await row(owed)).status]).toEqual([1, 'failed']);
  });

  it('leaves a running one, and tells it again of a cancel', async () => {
    const id = await place();
    await markRenditionStarted(rig.database.knex, id);
    const workflowId = renditionWorkflowId('export', id);
    scene.workflows.states.set(workflowId, 'running');
    expect(await endAbandonedRenditions(scene.deps, scene.settings)).toBe(0);
    expect(scene.workflows.cancelled).toEqual([]);
    await cancel(id);
    expect(await endAbandonedRenditions(scene.deps, scene.settings)).toBe(0);
    expect(scene.workflows.cancelled).toEqual([workflowId]);
  });
});
