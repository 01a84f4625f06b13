import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ActivityDeps } from '../activities/deps.js';
import { createLightActivities, createRenditionActivities } from '../activities/index.js';
import { startRendition } from '../activities/start-rendition.js';
import { renditionQueue, renditionWorkflowId } from '../domain/contract.js';
import { makeClip, makeScript, mediaFolder, readPid } from '../media/test-support/media-files.js';
import { createFakeProvider } from '../replicate/fake-provider.js';
import { markRenditionStarted, requestRenditionCancel } from '../storage/rendition-moves.js';
import type { RenditionRecord } from '../storage/renditions-repository.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { NOBODY } from '../test/support/job-rig.js';
import '../test/support/quiet-runtime.js';
import { giveFinishedVideo, placeRendition, readRenditionRow } from '../test/support/rendition-rows.js';
import { classifyFailures } from '../worker/failure-interceptor.js';

const { path } = mediaFolder();
const LIMIT = { timeout: 25_000 };
let rig: ActivityRig;
let deps: ActivityDeps;
let native: NativeConnection;
let connection: Connection;
let client: Client;
let source: { jobId: string; blobId: string };
beforeAll(async () => {
  const { address, namespace } = inject('temporal');
  rig = await createActivityRig();
  deps = rig.deps(createFakeProvider());
  native = await NativeConnection.connect({ address });
  connection = await Connection.connect({ address });
  client = new Client({ connection, namespace });
  const file = await makeClip(path('video.mp4'), { sound: { seconds: 1 } });
  const jobId = await rig.order(1);
  source = { jobId, blobId: await giveFinishedVideo(rig.database.knex, deps.blobs, jobId, { file, seconds: 1 }) };
});
afterAll(async () => {
  await connection.close();
  await native.close();
  await rig.close();
});

/** Starts ffmpeg that says its process id and then hangs wherever the script decides so. */
const hangingFfmpeg = (name: string, when = 'true'): Promise<string> =>
  makeScript(
    path(name),
    `case "$*" in *-encoders*) exec ffmpeg "$@";; esac`,
    `if ${when}; then echo $$ > ${path(`${name}.pid`)}; exec sleep 600; fi`,
    'exec ffmpeg "$@"',
  );
const pidOf = (name: string): Promise<number> => readPid(path(`${name}.pid`)).catch(() => 0);
const isGone = (pid: number): boolean => !existsSync(`/proc/${pid}`);

interface Queues {
  taskQueue: string;
  renditionWorker(deps: ActivityDeps): Promise<Running>;
}
interface Running {
  /** Ends it as a deploy does: what it was at is handed back. */
  stop(): Promise<void>;
}

/** Gives `test` queues of its own whose workflows run; every worker is stopped afterwards. */
async function withQueues(test: (queues: Queues) => Promise<void>): Promise<void> {
  const taskQueue = `test-${uuidv7()}`;
  const { namespace, bundlePath } = inject('temporal');
  const base = { connection: native, namespace, interceptors: { activity: [() => ({ inbound: classifyFailures() })] } };
  const running: Running[] = [];
  const run = (worker: Worker): Running => {
    const done = worker.run();
    const stop = async (): Promise<void> => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await done;
    };
    running.push({ stop });
    return { stop };
  };
  const light = createLightActivities({ ...deps, workflows: NOBODY, histories: { async *boughtSince() {} } });
  run(await Worker.create({ ...base, taskQueue, workflowBundle: { codePath: bundlePath }, activities: light }));
  try {
    await test({
      taskQueue,
      renditionWorker: async (given) =>
        run(
          await Worker.create({
            ...base,
            taskQueue: renditionQueue(taskQueue),
            activities: createRenditionActivities(given),
          }),
        ),
    });
  } finally {
    await Promise.all(running.map(({ stop }) => stop()));
  }
}

async function start(taskQueue: string, given: Partial<Parameters<typeof placeRendition>[1]> = {}) {
  const { knex } = rig.database;
  const id = await placeRendition(knex, { ownerId: rig.ownerId, sources: [source], ...given });
  const row = (): Promise<RenditionRecord> => readRenditionRow(knex, id);
  const rendition = await row();
  await startRendition(client, rendition, { taskQueue });
  await markRenditionStarted(knex, id);
  return { id, row, rendition, handle: client.workflow.getHandle(renditionWorkflowId(rendition.kind, id)) };
}

describe('a rendition', () => {
  it('is made by its workflow, which can be started twice and says its owner and stage', async () => {
    await withQueues(async ({ taskQueue, renditionWorker }) => {
      await renditionWorker(deps);
      const one = await start(taskQueue, { format: 'mov', quality: 'high' });
      await startRendition(client, one.rendition, { taskQueue });
      const result = await one.handle.result();
      expect(await one.row()).toMatchObject({ status: 'completed', sizeBytes: result.sizeBytes });
      await startRendition(client, one.rendition, { taskQueue });
      const { type, searchAttributes } = await one.handle.describe();
      expect([type, searchAttributes['ReelOwner'], searchAttributes['ReelStage']]).toEqual([
        'exportVideo',
        [rig.ownerId],
        ['completed'],
      ]);

      const both = await start(taskQueue, { kind: 'combination', sources: [source, source] });
      await both.handle.result();
      expect((await both.handle.describe()).type).toBe('combineVideos');
      expect(await both.row()).toMatchObject({ status: 'completed', percent: 100 });
    });
  });

  it('that fails for good says why, and is not tried again', async () => {
    await withQueues(async ({ taskQueue, renditionWorker }) => {
      const lacking = await makeScript(path('lacking'), 'echo " V....D libx264 x"');
      await renditionWorker({ ...deps, tools: { ...deps.tools, ffmpegPath: lacking } });
      const { handle, row } = await start(taskQueue, { format: 'webm' });
      await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
      expect(await row()).toMatchObject({ status: 'failed', error: { code: 'ENCODER_MISSING' } });
      expect((await handle.describe()).searchAttributes['ReelStage']).toEqual(['failed']);
      expect(await readdir(deps.workRoot)).toEqual([]);
    });
  });

  it('that is cancelled is over when ffmpeg is gone and its files with it', async () => {
    await withQueues(async ({ taskQueue, renditionWorker }) => {
      await renditionWorker({ ...deps, tools: { ...deps.tools, ffmpegPath: await hangingFfmpeg('cancelled') } });
      const { id, handle, row } = await start(taskQueue);
      await expect.poll(() => pidOf('cancelled'), LIMIT).toBeGreaterThan(0);
      const pid = await pidOf('cancelled');
      expect(isGone(pid)).toBe(false);
      const by = { ownerId: rig.ownerId, kind: 'export' } as const;
      expect(await requestRenditionCancel(rig.database.knex, id, by)).toBe('requested');
      await handle.cancel();
      const ended: unknown = await handle.result().catch((error: unknown) => error);
      expect((ended as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
      expect(isGone(pid)).toBe(true);
      expect(await readdir(deps.workRoot)).toEqual([]);
      expect(await row()).toMatchObject({ status: 'cancelled', error: null, blobId: null });
    });
  });

  it('goes on in another media worker when the first one stops in the middle', async () => {
    await withQueues(async ({ taskQueue, renditionWorker }) => {
      const ffmpegPath = await hangingFfmpeg('stopped');
      const first = await renditionWorker({ ...deps, tools: { ...deps.tools, ffmpegPath } });
      const { handle, row } = await start(taskQueue);
      await expect.poll(() => pidOf('stopped'), LIMIT).toBeGreaterThan(0);
      await first.stop();
      expect(isGone(await pidOf('stopped'))).toBe(true);
      expect((await row()).status).toBe('running');
      await renditionWorker(deps);
      await handle.result();
      expect(await row()).toMatchObject({ status: 'completed', percent: 100 });
      expect(await readdir(deps.workRoot)).toEqual([]);
      const { events = [] } = await handle.fetchHistory();
      const attempts = events?.flatMap((event) => event.activityTaskStartedEventAttributes?.attempt ?? []);
      expect(attempts).toEqual([2]);
    });
  });
});
