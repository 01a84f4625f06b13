/**
 * What the api, the workflows and the workers must agree on: task queues, workflow ids and types, messages, inputs and
 * outcomes. Loaded by workflow code, so: no zod, no Node built-ins.
 */
import type { ErrorCode } from './errors.js';
import type { FinalJobState } from './states.js';

/** The orchestration queue (workflows and light activities); the other two are named after it. */
export const TASK_QUEUE = 'reelwright';
/** Only `buy` runs here, because a rate limit slows every activity of its queue. */
export const buyingQueue = (taskQueue: string): string => `${taskQueue}-buy`;
/** Only ffmpeg work runs here, in a process of its own with as many slots as cores. */
export const mediaQueue = (taskQueue: string): string => `${taskQueue}-media`;

export const WORKFLOW_TYPES = { videoJob: 'videoJob', generation: 'generation', reconcile: 'reconcile' } as const;
export const SIGNALS = { predictionCompleted: 'predictionCompleted' } as const;
export const WORKER_DEPLOYMENT = 'reelwright';

/** Search attributes; a server must know them before a workflow with one is started. */
export const SEARCH_ATTRIBUTES = {
  ReelOwner: 'KEYWORD',
  ReelCampaign: 'KEYWORD',
  ReelStage: 'KEYWORD',
  ReelModel: 'KEYWORD_LIST',
  ReelProvider: 'KEYWORD_LIST',
  ReelNeedsAttention: 'BOOL',
} as const;

/** One paid thing of a job: `clip:3`, `music:1`. Numbers count from 1. */
export type SubjectKind = 'clip' | 'music' | 'image' | 'text';
export type Subject = `${SubjectKind}:${number}`;

/** Reads a subject; throws RangeError for anything that is not one. */
export function parseSubject(subject: string): { kind: SubjectKind; number: number } {
  const match = /^(clip|music|image|text):([1-9]\d*)$/.exec(subject);
  if (match === null) throw new RangeError(`a subject looks like clip:3, got ${JSON.stringify(subject)}`);
  return { kind: match[1] as SubjectKind, number: Number(match[2]) };
}

export const clipSubject = (number: number): Subject => `clip:${number}`;

/** `video-job-<jobId>` */
export const videoJobId = (jobId: string): string => `video-job-${jobId}`;

/** `video-job-<jobId>-clip-03`: at least two digits, so that lists sort. */
export function generationId(jobId: string, subject: Subject): string {
  const { kind, number } = parseSubject(subject);
  return `${videoJobId(jobId)}-${kind}-${String(number).padStart(2, '0')}`;
}

export interface VideoJobInput {
  jobId: string;
  /** Counts the runs of a job from 1: retry and regenerate start another. */
  runNumber: number;
}

export interface VideoJobResult {
  status: Extract<FinalJobState, 'completed' | 'completed_with_gaps'>;
  durationSeconds: number;
  sizeBytes: number;
}

export interface GenerationInput {
  jobId: string;
  subject: Subject;
}

/** Why something failed, as a row, a workflow result and the API state it. */
export interface FailureInfo {
  code: ErrorCode;
  message: string;
}

/** How a generation ends. A generation never rejects its parent: every expected end is a value. */
export type GenerationOutcome =
  | { status: 'stored'; predictionId: string | null }
  | { status: 'failed'; error: FailureInfo }
  | { status: 'cancelled' };

export interface PredictionCompletedSignal {
  predictionId: string;
}
