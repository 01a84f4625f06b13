/** The paths of the workflows that have a recorded history. A path that exists is added here and recorded once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SIGNALS } from '../../domain/contract.js';
import { type FakeWorldOptions, fakeWorld, predictionOf } from './fake-world.js';
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

const ofJob = (rig: WorkflowRig): string[] => [
  `video-job-${rig.jobId}`,
  ...Array.from({ length: CLIPS }, (_, index) => rig.generation(index + 1).workflowId),
];

const signal = (rig: WorkflowRig, number: number): Promise<void> =>
  rig.generation(number).signal(SIGNALS.predictionCompleted, { predictionId: predictionOf(number) });

/** A job of two clips that `drive` brings to its end, however that is. */
function job(
  name: string,
  options: Omit<FakeWorldOptions, 'clips'>,
  drive: (rig: WorkflowRig, calls: readonly string[]) => Promise<void>,
): HistoryScenario {
  return {
    name,
    activities: () => fakeWorld({ clips: CLIPS, ...options }),
    async run(rig, calls) {
      const handle = await rig.startJob();
      await drive(rig, calls);
      // How it ends is in the history, not in this script.
      await handle.result().then(undefined, () => undefined);
      return ofJob(rig);
    },
  };
}

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
  {
    name: 'reconcile',
    activities: () => fakeWorld({ clips: CLIPS }),
    async run({ client, taskQueue, jobId }) {
      const workflowId = `reconcile-${jobId}`;
      await client.workflow.execute('reconcile', { workflowId, taskQueue });
      return [workflowId];
    },
  },
];
