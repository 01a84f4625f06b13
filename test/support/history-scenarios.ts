/** The paths of the workflows that have a recorded history. A path that exists is added here and recorded once. */
import { generationId, musicSubject } from '../../domain/contract.js';
import { ReelwrightError } from '../../domain/errors.js';
import { fakeWorld, musicNumber } from './fake-world.js';
import {
  alone,
  batchArgs,
  CLIPS,
  cancelledDuring,
  cancelWorkflow,
  decided,
  driven,
  ends,
  type HistoryScenario,
  HOUR_MS,
  job,
  nextRun,
  notWaitedFor,
  QUICK,
  reached,
  rendition,
  signal,
  untilCancelled,
  waits,
  withoutClips,
} from './history-scenario-kinds.js';

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
