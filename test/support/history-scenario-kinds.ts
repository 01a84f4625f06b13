/** What the scenarios of recorded histories are made of: kinds of workflows, and what happens to them. */
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
import { type FakeWorldOptions, fakeWorld, predictionOf } from './fake-world.js';
import type { AllActivities, WorkflowRig } from './workflow-rig.js';

export interface HistoryScenario {
  name: string;
  activities: () => { activities: AllActivities; calls: string[] };
  /** Drives the workflows to their end and names those whose histories are kept. */
  run(rig: WorkflowRig, calls: readonly string[]): Promise<string[]>;
}

export const QUICK = { firstMs: 20, maxMs: 50, factor: 1.5 };
export const CLIPS = 2;

export async function reached(calls: readonly string[], ...wanted: string[]): Promise<void> {
  while (!wanted.every((call) => calls.includes(call))) await sleep(20);
}

export const HOUR_MS = 3_600_000;

export const waits =
  (patienceMs: number) =>
  (_number: number, _failure: number, error: FailureInfo): GenerationStep => ({
    status: 'needs_attention',
    error,
    patienceMs,
  });

export const ends =
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
export const decided = (
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

export const signal = (rig: WorkflowRig, number: number): Promise<void> =>
  rig.generation(number).signal(SIGNALS.predictionCompleted, { predictionId: predictionOf(number) });

/** A job of two clips that `drive` brings to its end, however that is. */
export function job(
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
export function alone(
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
export const rendition = (
  name: string,
  type: string,
  onRender: NonNullable<FakeWorldOptions['onRender']>,
  drive?: (rig: WorkflowRig, workflowId: string, calls: readonly string[]) => Promise<void>,
): HistoryScenario => driven(name, type, (jobId) => [{ renditionId: jobId }], { onRender }, drive);

/** Work that goes on until its cancel arrives, which a heartbeat brings. */
export async function untilCancelled(): Promise<void> {
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
export const cancelledDuring = (
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
export const notWaitedFor = (calls: readonly string[]): Promise<void> => reached(calls, 'end cancelled');

/** The job's workflow alone: no clip was begun. */
export const withoutClips = (scenario: HistoryScenario): HistoryScenario => ({
  ...scenario,
  async run(rig, calls) {
    return (await scenario.run(rig, calls)).slice(0, 1);
  },
});

/** Another run of a job: what is stored stays, the rest is made. */
export function nextRun(name: string, stored: readonly number[]): HistoryScenario {
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
export function driven(
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

export const cancelWorkflow = async (rig: WorkflowRig, workflowId: string): Promise<void> => {
  await rig.client.workflow.getHandle(workflowId).cancel();
};
export const batchArgs = (batchId: string): unknown[] => [{ batchId }];
