/** The paths of the workflows that have a recorded history. A path that exists is added here and recorded once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import {
  type ClipDecision,
  type FailureInfo,
  type GenerationStep,
  generationId,
  musicSubject,
  SIGNALS,
  UPDATES,
} from '../../domain/contract.js';
import { ReelwrightError } from '../../domain/errors.js';
import { type FakeWorldOptions, fakeWorld, musicNumber, predictionOf } from './fake-world.js';
import type { AllActivities, WorkflowRig } from './workflow-rig.js';

export interface HistoryScenario {
  name: string;
  activities: () => { activities: AllActivities; calls: string[] };
  /** Drives the workflows to their end and names those whose histories are kept. */
  run(rig: WorkflowRig, calls: readonly string[]): Promise<string[]>;
}

const QUICK = { firstMs: 20, maxMs: 50, factor: 1.5 };
const CLIPS = 2;

async function reached(calls: readonly string[], ...wanted: string[]): Promise<void> {
  while (!wanted.every((call) => calls.includes(call))) await sleep(20);
}

const HOUR_MS = 3_600_000;

const waits =
  (patienceMs: number) =>
  (_number: number, _failure: number, error: FailureInfo): GenerationStep => ({
    status: 'needs_attention',
    error,
    patienceMs,
  });

const ends =
  (status: 'skipped' | 'failed') =>
  (_number: number, _failure: unknown, error?: FailureInfo): GenerationStep => ({
    status,
    error: error ?? { code: 'PROVIDER_REFUSED_CONTENT', message: 'E005 flagged as sensitive' },
  });

/** Sends a decision about the first clip, again and again until it waits for one. */
async function decide(rig: WorkflowRig, decision: ClipDecision): Promise<void> {
  for (;;) {
    try {
      await rig.generation(1).executeUpdate(UPDATES.decideClip, { args: [decision] });
      return;
    } catch (error) {
      if (!(error instanceof WorkflowUpdateFailedError || error instanceof WorkflowNotFoundError)) throw error;
      await sleep(50);
    }
  }
}

/** The first clip fails, waits, and is decided about; the other one is stored. */
const decided = (
  name: string,
  decision: ClipDecision,
  options: Omit<FakeWorldOptions, 'clips'> = {},
): HistoryScenario =>
  job(
    name,
    { failing: [1], failTimes: 1, onFailure: waits(HOUR_MS), polling: QUICK, statusOf: () => 'succeeded', ...options },
    (rig) => decide(rig, decision),
  );

const ofJob = (rig: WorkflowRig, pieces = 0): string[] => [
  `video-job-${rig.jobId}`,
  ...Array.from({ length: CLIPS }, (_, index) => rig.generation(index + 1).workflowId),
  ...Array.from({ length: pieces }, (_, index) => generationId(rig.jobId, musicSubject(index + 1))),
];

const signal = (rig: WorkflowRig, number: number): Promise<void> =>
  rig.generation(number).signal(SIGNALS.predictionCompleted, { predictionId: predictionOf(number) });

/** A job of two clips that `drive` brings to its end, however that is. */
function job(
  name: string,
  options: Omit<FakeWorldOptions, 'clips'>,
  drive: (rig: WorkflowRig, calls: readonly string[]) => Promise<void>,
  /** Pieces of music that a workflow was started for. */
  pieces = 0,
): HistoryScenario {
  return {
    name,
    activities: () => fakeWorld({ clips: CLIPS, ...options }),
    async run(rig, calls) {
      const handle = await rig.startJob();
      await drive(rig, calls);
      // How it ends is in the history, not in this script.
      await handle.result().then(undefined, () => undefined);
      return ofJob(rig, pieces);
    },
  };
}

/** A workflow that belongs to no job's run. */
function alone(
  name: string,
  type: string,
  args: (jobId: string) => unknown[],
  options: Omit<FakeWorldOptions, 'clips'> = {},
): HistoryScenario {
  return {
    name,
    activities: () => fakeWorld({ clips: CLIPS, ...options }),
    async run({ client, taskQueue, jobId }) {
      const workflowId = `${type}-${jobId}`;
      await client.workflow.execute(type, { workflowId, taskQueue, args: args(jobId) });
      return [workflowId];
    },
  };
}

/** An export or a combination that does not come to a file. */
function rendition(
  name: string,
  type: string,
  onRender: NonNullable<FakeWorldOptions['onRender']>,
  drive: (rig: WorkflowRig, workflowId: string, calls: readonly string[]) => Promise<void> = async () => undefined,
): HistoryScenario {
  return {
    name,
    activities: () => fakeWorld({ clips: CLIPS, onRender }),
    async run(rig, calls) {
      const { client, taskQueue, jobId } = rig;
      const workflowId = `${type}-${jobId}`;
      const handle = await client.workflow.start(type, { workflowId, taskQueue, args: [{ renditionId: jobId }] });
      await drive(rig, workflowId, calls);
      await handle.result().then(undefined, () => undefined);
      return [workflowId];
    },
  };
}

/** Work that goes on until its cancel arrives, which a heartbeat brings. */
async function untilCancelled(): Promise<void> {
  const { cancellationSignal } = Context.current();
  while (!cancellationSignal.aborted) {
    Context.current().heartbeat();
    await sleep(100);
  }
  cancellationSignal.throwIfAborted();
}

const cancelJob = ({ client, jobId }: WorkflowRig): Promise<unknown> =>
  client.workflow.getHandle(`video-job-${jobId}`).cancel();

/** A job that is cancelled in the middle of an activity, which goes on until `ends`. */
const cancelledDuring = (
  name: string,
  during: string,
  ends: (calls: readonly string[]) => Promise<void>,
  options: Omit<FakeWorldOptions, 'clips' | 'during'> = {},
): HistoryScenario => ({
  ...job(
    name,
    { ...options, during: async (call, calls) => (call === during ? await ends(calls) : undefined) },
    async (rig, calls) => {
      await reached(calls, during);
      await cancelJob(rig);
    },
  ),
});

/** A cancel that is not waited for: the activity ends when the job has. */
const notWaitedFor = (calls: readonly string[]): Promise<void> => reached(calls, 'end cancelled');

/** The job's workflow alone: no clip was begun. */
const withoutClips = (scenario: HistoryScenario): HistoryScenario => ({
  ...scenario,
  async run(rig, calls) {
    return (await scenario.run(rig, calls)).slice(0, 1);
  },
});

/** Another run of a job: what is stored stays, the rest is made. */
function nextRun(name: string, stored: readonly number[]): HistoryScenario {
  const options = { clips: CLIPS, stored, polling: QUICK, statusOf: () => 'succeeded' as const };
  return {
    name,
    activities: () => fakeWorld(options),
    async run(rig) {
      const { client, taskQueue, jobId } = rig;
      const start = { workflowId: `video-job-${jobId}`, taskQueue, args: [{ jobId, runNumber: 2 }] };
      await client.workflow.execute('videoJob', start);
      return ofJob(rig);
    },
  };
}

/** A workflow of its own that `drive` brings to its end, however that is. */
function driven(
  name: string,
  type: string,
  args: (jobId: string) => unknown[],
  options: Omit<FakeWorldOptions, 'clips'>,
  drive: (rig: WorkflowRig, workflowId: string, calls: readonly string[]) => Promise<void> = async () => undefined,
): HistoryScenario {
  return {
    name,
    activities: () => fakeWorld({ clips: CLIPS, ...options }),
    async run(rig, calls) {
      const { client, taskQueue, jobId } = rig;
      const workflowId = `${type}-${jobId}`;
      const handle = await client.workflow.start(type, { workflowId, taskQueue, args: args(jobId) });
      await drive(rig, workflowId, calls);
      await handle.result().then(undefined, () => undefined);
      return [workflowId];
    },
  };
}

const cancelWorkflow = async (rig: WorkflowRig, workflowId: string): Promise<void> => {
  await rig.client.workflow.getHandle(workflowId).cancel();
};
const batchArgs = (batchId: string): unknown[] => [{ batchId }];

export const HISTORY_SCENARIOS: readonly HistoryScenario[] = [
  job('completed-by-webhook', {}, async (rig, calls) => {
    await reached(calls, 'buy 1', 'buy 2');
    for (const number of [2, 1]) await signal(rig, number);
  }),
  job(
    'completed-by-poll',
    { polling: QUICK, statusOf: (_, poll) => (poll < 3 ? 'processing' : 'succeeded') },
    async () => undefined,
  ),
  job('completed-from-stored-clips', { stored: [1, 2] }, async () => undefined),
  job('failed-clip', { failing: [1] }, async (rig, calls) => {
    await reached(calls, 'buy 1', 'buy 2');
    await signal(rig, 1);
  }),
  job('cancelled-while-waiting', {}, async (rig, calls) => {
    await reached(calls, 'buy 1', 'buy 2');
    await rig.client.workflow.getHandle(`video-job-${rig.jobId}`).cancel();
  }),
  job('cancelled-too-late-for-one-clip', { succeedsAnyway: [2] }, async (rig, calls) => {
    await reached(calls, 'buy 1', 'buy 2');
    await rig.client.workflow.getHandle(`video-job-${rig.jobId}`).cancel();
  }),
  job(
    'cancelled-while-buying',
    { onBuy: (number, calls) => reached(calls, `end-cancelled ${number}`) },
    async (rig, calls) => {
      await reached(calls, 'buy 1', 'buy 2');
      await rig.client.workflow.getHandle(`video-job-${rig.jobId}`).cancel();
    },
  ),
  decided('decided-to-retry', { decision: 'retry', prompt: 'something else' }),
  decided('decided-to-skip', { decision: 'skip' }, { onDecision: ends('skipped') }),
  decided('decided-to-fail', { decision: 'fail' }, { onDecision: ends('failed') }),
  job(
    'skipped-when-nobody-decided',
    { failing: [1], onFailure: waits(1_000), polling: QUICK, statusOf: () => 'succeeded' },
    async () => undefined,
  ),
  job('cancelled-while-a-decision-is-awaited', { failing: [1], onFailure: waits(HOUR_MS) }, async (rig, calls) => {
    await reached(calls, 'buy 1', 'buy 2');
    await signal(rig, 1);
    await reached(calls, 'end-failed 1');
    await rig.client.workflow.getHandle(`video-job-${rig.jobId}`).cancel();
  }),
  job(
    'skipped-as-ordered',
    { failing: [1], onFailure: ends('skipped'), polling: QUICK, statusOf: () => 'succeeded' },
    async () => undefined,
  ),
  job(
    'all-clips-skipped',
    { failing: [1, 2], onFailure: ends('skipped'), polling: QUICK, statusOf: () => 'succeeded' },
    async () => undefined,
  ),
  job(
    'attempts-by-the-rules',
    {
      failing: [1],
      failTimes: 2,
      onFailure: () => ({ status: 'again' }),
      polling: QUICK,
      statusOf: () => 'succeeded',
    },
    async () => undefined,
  ),
  job(
    'images-fetched-first',
    { fetchImages: true, polling: QUICK, statusOf: () => 'succeeded' },
    async () => undefined,
  ),
  job('completed-with-a-poster', { stored: [1, 2] }, async () => undefined),
  job('completed-without-a-poster', { stored: [1, 2], noPoster: true }, async () => undefined),
  job('completed-with-previews', { stored: [1, 2] }, async () => undefined),
  job('completed-without-previews', { stored: [1, 2], noPreviews: true }, async () => undefined),
  alone('export', 'exportVideo', (jobId) => [{ renditionId: jobId }]),
  alone('combination', 'combineVideos', (jobId) => [{ renditionId: jobId }]),
  rendition('export-failed', 'exportVideo', async () => {
    throw new ReelwrightError('ENCODER_MISSING', 'no VP9 here');
  }),
  rendition('combination-cancelled', 'combineVideos', untilCancelled, async (rig, workflowId, calls) => {
    await reached(calls, 'combine');
    await rig.client.workflow.getHandle(workflowId).cancel();
  }),
  alone('reconcile-ledger', 'reconcile', () => []),
  alone('sweep-store', 'sweepStore', () => []),
  alone('settle', 'settle', (jobId) => [{ jobId, subject: 'clip:1', purchaseId: 'a-purchase' }], {
    polling: QUICK,
    statusOf: (_, poll) => (poll < 3 ? 'processing' : 'succeeded'),
  }),
  alone('settle-without-an-output', 'settle', (jobId) => [{ jobId, subject: 'clip:1', purchaseId: 'a-purchase' }], {
    failing: [1],
    statusOf: () => 'failed',
  }),
  {
    name: 'reconcile',
    activities: () => fakeWorld({ clips: CLIPS }),
    async run({ client, taskQueue, jobId }) {
      const workflowId = `reconcile-${jobId}`;
      await client.workflow.execute('reconcile', { workflowId, taskQueue });
      return [workflowId];
    },
  },
  job('completed-with-music', { music: 2, polling: QUICK, statusOf: () => 'succeeded' }, async () => undefined, 2),
  job(
    'music-missing',
    { music: 2, failing: [musicNumber(1)], polling: QUICK, statusOf: () => 'succeeded', onFailure: ends('skipped') },
    async () => undefined,
    1,
  ),
  job(
    'cancelled-while-music-is-made',
    { music: 2, stored: [1, 2] },
    async (rig, calls) => {
      await reached(calls, `buy ${musicNumber(1)}`);
      await rig.client.workflow.getHandle(`video-job-${rig.jobId}`).cancel();
    },
    1,
  ),
  {
    name: 'music-alone',
    activities: () => fakeWorld({ clips: 0, music: 1, polling: QUICK, statusOf: () => 'succeeded' }),
    async run(rig) {
      await (await rig.startJob()).result();
      return [`video-job-${rig.jobId}`, generationId(rig.jobId, musicSubject(1))];
    },
  },
  decided('decided-with-facts', { decision: 'retry', prompt: 'something else' }, { told: true }),
  alone('operate', 'operate', (jobId) => [{ action: 'retry', jobId }]),
  {
    name: 'operate-refused',
    activities: () => fakeWorld({ clips: CLIPS }),
    async run({ client, taskQueue, jobId }) {
      const workflowId = `operate-${jobId}`;
      const args = [{ action: 'retry', job: jobId }];
      const handle = await client.workflow.start('operate', { workflowId, taskQueue, args });
      await handle.result().then(undefined, () => undefined);
      return [workflowId];
    },
  },
  withoutClips(cancelledDuring('cancelled-while-queued', 'plan', notWaitedFor)),
  withoutClips(cancelledDuring('cancelled-while-planning', 'fetch-images', notWaitedFor, { fetchImages: true })),
  cancelledDuring('cancelled-while-collecting', 'collect 1', untilCancelled, {
    polling: QUICK,
    statusOf: (number) => (number === 1 ? 'succeeded' : 'processing'),
  }),
  cancelledDuring('cancelled-while-composing', 'cut', untilCancelled, { stored: [1, 2] }),
  decided('decided-to-retry-unchanged', { decision: 'retry' }),
  nextRun('retried', [1]),
  nextRun('regenerated', [2]),
  job(
    'cut-failed',
    {
      stored: [1, 2],
      during: async (call) => {
        if (call === 'cut') throw new ReelwrightError('CUT_WRONG', 'the video is longer than its clips');
      },
    },
    async () => undefined,
  ),
  driven('settle-of-nothing', 'settle', (jobId) => [{ jobId, subject: 'clip:1', purchaseId: 'a-purchase' }], {
    settlesNothing: true,
  }),
  driven('combination-failed', 'combineVideos', (jobId) => [{ renditionId: jobId }], {
    onRender: async () => {
      throw new ReelwrightError('EXPORT_WRONG', 'the video is longer than its parts');
    },
  }),
  driven(
    'export-cancelled',
    'exportVideo',
    (jobId) => [{ renditionId: jobId }],
    { onRender: untilCancelled },
    async (rig, workflowId, calls) => {
      await reached(calls, 'export');
      await cancelWorkflow(rig, workflowId);
    },
  ),
  driven('batch', 'batch', batchArgs, { batchJobs: 25 }),
  driven('batch-of-nothing', 'batch', batchArgs, { batchJobs: 0 }),
  driven('batch-failed', 'batch', batchArgs, {
    batchJobs: 5,
    onBatch: async () => {
      throw new ReelwrightError('NOT_FOUND', 'there is no such batch');
    },
  }),
  driven('batch-cancelled', 'batch', batchArgs, { batchJobs: 45, onBatch: untilCancelled }, async (rig, id, calls) => {
    await reached(calls, 'batch 1 2 3 4 5 6 7 8 9 10');
    await cancelWorkflow(rig, id);
  }),
  driven('self-test-passed', 'selfTest', () => [], { selfTestStates: ['generating', 'composing', 'completed'] }),
  driven('self-test-that-waits', 'selfTest', () => [], { selfTestStates: ['generating', 'needs_attention'] }),
  driven('self-test-too-slow', 'selfTest', () => [], { selfTestStates: ['generating'] }),
];
