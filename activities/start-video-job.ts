/** The one way to hand a job's run to Temporal: used by the api when a job is ordered and by the reconciler after it. */
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type WorkflowOptions,
} from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { TASK_QUEUE, type VideoJobInput, videoJobId, WORKFLOW_TYPES } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { type OrderInBrief, orderDetails } from '../domain/job-story.js';
import type { ModelName } from '../domain/models.js';
import type { MusicModelName } from '../domain/music.js';
import { jobSummary } from '../domain/sentences.js';
import type { JobState } from '../domain/states.js';
import type { JobWithClips } from '../storage/jobs-repository.js';

/** What is told to Temporal of a job whose row is committed. */
export interface VideoJobStart extends OrderInBrief {
  ownerId: string;
  campaignId: string | null;
  /** The models its clips and its music are made with, each once. */
  models: readonly (ModelName | MusicModelName)[];
}

const OWNER = defineSearchAttributeKey('ReelOwner', 'KEYWORD');
const CAMPAIGN = defineSearchAttributeKey('ReelCampaign', 'KEYWORD');
const STAGE = defineSearchAttributeKey('ReelStage', 'KEYWORD');
const MODEL = defineSearchAttributeKey('ReelModel', 'KEYWORD_LIST');
const PROVIDER = defineSearchAttributeKey('ReelProvider', 'KEYWORD_LIST');
const NEEDS_ATTENTION = defineSearchAttributeKey('ReelNeedsAttention', 'BOOL');

/** Reads from a job's row what its start needs. */
export function videoJobStart(job: JobWithClips): VideoJobStart {
  return {
    jobId: job.id,
    ownerId: job.ownerId,
    campaignId: job.campaignId,
    runNumber: job.runNumber,
    name: job.name,
    models: [...new Set([...job.clips, ...job.music].map(({ model }) => model))],
    kind: job.kind,
    resolution: job.resolution,
    aspectRatio: job.aspectRatio,
    generateAudio: job.generateAudio,
    onClipFailure: job.onClipFailure,
    clipCount: job.clips.length,
    musicCount: job.music.length,
    estimatedCostUsd: job.estimatedCostUsd,
    budgetUsd: job.budgetUsd,
  };
}

/**
 * Starts the run; harmless when it was started before, running or closed. Throws NOT_READY while the run before it is
 * still closing, and what the client throws when Temporal cannot be reached: set a deadline around the call
 * (`client.withDeadline`).
 */
export async function startVideoJob(
  client: Client,
  job: VideoJobStart,
  { taskQueue = TASK_QUEUE }: { taskQueue?: string } = {},
): Promise<void> {
  const input: VideoJobInput = { jobId: job.jobId, runNumber: job.runNumber };
  // By itself USE_EXISTING would run a finished job again, and drop the new arguments where it still runs.
  const policies =
    job.runNumber === 1
      ? ({ workflowIdReusePolicy: 'REJECT_DUPLICATE', workflowIdConflictPolicy: 'USE_EXISTING' } as const)
      : ({ workflowIdReusePolicy: 'ALLOW_DUPLICATE', workflowIdConflictPolicy: 'FAIL' } as const);
  if (job.runNumber > 1 && (await wasStarted(client, input))) return;
  try {
    const options = { ...startOptions(job), ...policies, taskQueue, args: [input] as [VideoJobInput] };
    await client.workflow.start(WORKFLOW_TYPES.videoJob, options);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    if (job.runNumber === 1 || (await wasStarted(client, input))) return;
    throw new ReelwrightError('NOT_READY', `run ${job.runNumber - 1} of job ${job.jobId} has not closed yet`, {
      cause: error,
    });
  }
}

/** Whether the job's latest run at the server is this one, or a later one. */
async function wasStarted(client: Client, { jobId, runNumber }: VideoJobInput): Promise<boolean> {
  try {
    const { memo } = await client.workflow.getHandle(videoJobId(jobId)).describe();
    const latest = memo?.['runNumber'];
    return typeof latest === 'number' && latest >= runNumber;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

function startOptions(job: VideoJobStart): Omit<WorkflowOptions, 'taskQueue' | 'args'> {
  return {
    workflowId: videoJobId(job.jobId),
    // Which run of the job this is, for whoever has to tell one from the next.
    memo: { runNumber: job.runNumber },
    typedSearchAttributes: new TypedSearchAttributes([
      { key: OWNER, value: job.ownerId },
      ...(job.campaignId === null ? [] : [{ key: CAMPAIGN, value: job.campaignId }]),
      { key: STAGE, value: 'queued' satisfies JobState },
      { key: MODEL, value: [...job.models] },
      { key: PROVIDER, value: ['replicate'] },
      { key: NEEDS_ATTENTION, value: false },
    ]),
    // One owner's hundred jobs must not make another's single job wait for all of them.
    priority: { fairnessKey: job.ownerId },
    staticSummary: jobSummary(job),
    staticDetails: orderDetails(job),
  };
}
