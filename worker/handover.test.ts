/** A worker that stops in order: what it has begun is ended or handed over, without anybody waiting for a time-out. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, type Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import type { ReconcileDeps } from '../activities/reconcile-deps.js';
import { startVideoJob } from '../activities/start-video-job.js';
import { videoJobId } from '../domain/contract.js';
import { createFakeProvider, type FakeProvider } from '../replicate/fake-provider.js';
import { purchasesOf } from '../storage/ledger.js';
import { type ActivityRig, createActivityRig } from '../test/support/activity-rig.js';
import { NOBODY } from '../test/support/job-rig.js';
import { startTestReplicate, type TestReplicate } from '../test/support/local-replicate.js';
import '../test/support/quiet-runtime.js';
import { jobStart } from '../test/support/job-start.js';
import {
  createBuyingWorker,
  createMediaWorker,
  createOrchestrationWorker,
  createOutputWorker,
  type WorkerSetup,
} from './workers.js';

const LIMIT_MS = 60_000;

let rig: ActivityRig;
let replicate: TestReplicate;
beforeAll(async () => {
  [rig, replicate] = await Promise.all([createActivityRig(), startTestReplicate()]);
});
afterAll(() => Promise.all([rig.close(), replicate.close()]));

const KINDS = {
  buying: (setup: WorkerSetup, deps: ReconcileDeps) => createBuyingWorker(setup, deps, 0),
  outputs: createOutputWorker,
  media: createMediaWorker,
};

interface Running {
  worker: Worker;
  over: Promise<void>;
}

interface Fleet {
  client: Client;
  jobId: string;
  start(kind: keyof typeof KINDS): Promise<Running>;
}

/** A job that runs, and its orchestration worker; the test starts the workers of the other queues. */
async function withFleet(
  provider: FakeProvider,
  test: (fleet: Fleet) => Promise<void>,
  changes: Partial<ReconcileDeps> = {},
): Promise<void> {
  const { address, namespace, bundlePath } = inject('temporal');
  const clientConnection = await Connection.connect({ address });
  const connections: NativeConnection[] = [];
  const taskQueue = `test-${randomUUID()}`;
  // Each worker stands for a process of its own: two of one queue cannot share a connection.
  const setup = async (): Promise<WorkerSetup> => {
    const connection = await NativeConnection.connect({ address });
    connections.push(connection);
    return { connection, namespace, taskQueue, buildId: undefined, shutdownGraceMs: 500 };
  };
  const polling = { firstMs: 50, maxMs: 50, factor: 1 };
  const deps: ReconcileDeps = {
    ...rig.deps(provider, { polling }),
    workflows: NOBODY,
    histories: { async *boughtSince() {} },
    ...changes,
  };
  const running: Running[] = [];
  const run = (worker: Worker): Running => {
    const one = { worker, over: worker.run() };
    running.push(one);
    return one;
  };
  const client = new Client({ connection: clientConnection, namespace });
  const jobId = await rig.order(1);
  try {
    run(await createOrchestrationWorker(await setup(), deps, { codePath: bundlePath }));
    await startVideoJob(client, jobStart({ jobId, ownerId: rig.ownerId }), { taskQueue });
    await test({
      client,
      jobId,
      start: async (kind) => run(await KINDS[kind](await setup(), deps)),
    });
  } finally {
    for (const { worker } of running) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.allSettled(running.map(({ over }) => over));
    await clientConnection.close();
    for (const connection of connections) await connection.close();
  }
}

/** Attempts of an activity of the clip or of its job, and how the attempt before the last one ended. */
async function attemptsOf(
  { client, jobId }: Fleet,
  name: string,
  workflowId = `${videoJobId(jobId)}-clip-01`,
): Promise<{ attempt: number | null | undefined; isTimeOut: boolean }> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const scheduled = events?.find((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === name);
  const started = events?.find((event) =>
    event.activityTaskStartedEventAttributes?.scheduledEventId?.equals(scheduled?.eventId ?? 0),
  )?.activityTaskStartedEventAttributes;
  return { attempt: started?.attempt, isTimeOut: started?.lastFailure?.timeoutFailureInfo != null };
}

describe('a worker that is told to stop', () => {
  it(
    'ends the purchase that it has begun, and takes no other',
    async () => {
      const provider = createFakeProvider();
      let posted: () => void = () => undefined;
      let answer: () => void = () => undefined;
      const isPosted = new Promise<void>((resolve) => {
        posted = resolve;
      });
      const mayAnswer = new Promise<void>((resolve) => {
        answer = resolve;
      });
      provider.answerNextWith(async (make) => {
        posted();
        await mayAnswer;
        return { kind: 'created', prediction: make() };
      });
      await withFleet(provider, async (fleet) => {
        const first = await fleet.start('buying');
        await isPosted;
        await fleet.start('buying');
        first.worker.shutdown();
        answer();
        await first.over;
        await vi.waitFor(async () => {
          const [purchase] = await purchasesOf(rig.database.knex, fleet.jobId, 'clip:1');
          expect(purchase).toMatchObject({ state: 'known', attempt: 1, adoptedAt: null });
        }, LIMIT_MS);
        await vi.waitFor(
          async () => expect(await attemptsOf(fleet, 'buy')).toEqual({ attempt: 1, isTimeOut: false }),
          LIMIT_MS,
        );
        await fleet.client.workflow.getHandle(videoJobId(fleet.jobId)).cancel();
      });
      expect(provider.made).toHaveLength(1);
    },
    LIMIT_MS,
  );

  it(
    'hands over what it cannot end in time, at once',
    async () => {
      const output = await readFile(replicate.clipPath);
      const provider = createFakeProvider();
      let opened = 0;
      const slowFirst: FakeProvider = {
        ...provider,
        async openOutput(url, options) {
          opened += 1;
          if (opened > 1) return await provider.openOutput(url, options);
          // Nothing ever comes.
          return { body: new Readable({ read: () => undefined }), contentLength: output.byteLength };
        },
      };
      await withFleet(slowFirst, async (fleet) => {
        await fleet.start('buying');
        await vi.waitFor(() => expect(provider.made).toHaveLength(1), LIMIT_MS);
        provider.finish(provider.made[0]?.id ?? '', { status: 'succeeded', output });
        const first = await fleet.start('outputs');
        await vi.waitFor(() => expect(opened).toBe(1), LIMIT_MS);
        await fleet.start('outputs');
        await fleet.start('media');
        first.worker.shutdown();
        await first.over;
        await fleet.client.workflow.getHandle(videoJobId(fleet.jobId)).result();
        expect(await attemptsOf(fleet, 'collectOutput')).toEqual({ attempt: 2, isTimeOut: false });
      });
      expect(opened).toBe(2);
      expect(provider.made).toHaveLength(1);
    },
    LIMIT_MS,
  );

  it(
    'hands over a cut in the middle of ffmpeg, at once, and leaves no ffmpeg behind',
    async () => {
      const output = await readFile(replicate.clipPath);
      const provider = createFakeProvider();
      const folder = await mkdtemp(join(tmpdir(), 'reelwright-test-handover-'));
      const [ffmpegPath, hold, held] = ['ffmpeg', 'hold', 'held'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      // It tells its process, and waits with what it does for a cut while the file is there.
      const wait = `echo $$ >>'${held}'; while [ -e '${hold}' ]; do sleep 0.05; done`;
      const script = `#!/bin/sh\ncase "$*" in *reelwright-cut.*) ${wait};; esac\nexec ffmpeg "$@"\n`;
      await writeFile(ffmpegPath, script, { mode: 0o755 });
      await writeFile(hold, '');
      const tools = { ffmpegPath, ffprobePath: 'ffprobe' };
      /** Throws while there is none: a process that has opened the file may not have written into it yet. */
      const heldPids = async (): Promise<number[]> => {
        const pids = (await readFile(held, 'utf8')).split('\n').slice(0, -1).map(Number);
        expect(pids).not.toEqual([]);
        return pids;
      };
      try {
        await withFleet(
          provider,
          async (fleet) => {
            await fleet.start('buying');
            await vi.waitFor(() => expect(provider.made).toHaveLength(1), LIMIT_MS);
            provider.finish(provider.made[0]?.id ?? '', { status: 'succeeded', output });
            await fleet.start('outputs');
            const first = await fleet.start('media');
            const [pid] = (await vi.waitFor(heldPids, LIMIT_MS)) as [number, ...number[]];
            await fleet.start('media');
            first.worker.shutdown();
            await first.over;
            expect(() => process.kill(pid, 0)).toThrow('ESRCH');
            await rm(hold);
            const job = videoJobId(fleet.jobId);
            expect(await fleet.client.workflow.getHandle(job).result()).toMatchObject({ status: 'completed' });
            expect(await attemptsOf(fleet, 'cutVideo', job)).toEqual({ attempt: 2, isTimeOut: false });
          },
          { tools },
        );
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
      expect(provider.made).toHaveLength(1);
    },
    LIMIT_MS,
  );
});
