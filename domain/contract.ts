/**
 * What the api, the workflows and the workers must agree on: task queues, workflow ids and types, messages, inputs and
 * outcomes. Loaded by workflow code, so: no zod, no Node built-ins.
 */
import type { ErrorCode } from './errors.js';
import type { ModelName } from './models.js';
import type { RenditionKind } from './renditions.js';
import type { FinalJobState } from './states.js';

/** The orchestration queue (workflows and light activities); the others are named after it. */
export const TASK_QUEUE = 'reelwright';
/** Only `buy` runs here, because a rate limit slows every activity of its queue. */
export const buyingQueue = (taskQueue: string): string => `${taskQueue}-buy`;
/** Only ffmpeg work runs here, in a process of its own with as many slots as cores. */
export const mediaQueue = (taskQueue: string): string => `${taskQueue}-media`;
/**
 * Only what was bought is fetched here, in the process of the media queue: a link lives for an hour, and cuts may take all
 * of that queue's slots for longer.
 */
export const outputQueue = (taskQueue: string): string => `${taskQueue}-outputs`;
/** Exports and combinations, in the process of the media queue and one at a time: what was bought must not wait for them. */
export const renditionQueue = (taskQueue: string): string => `${taskQueue}-renditions`;

export const WORKFLOW_TYPES = {
  videoJob: 'videoJob',
  generation: 'generation',
  reconcile: 'reconcile',
  settle: 'settle',
  exportVideo: 'exportVideo',
  combineVideos: 'combineVideos',
  operate: 'operate',
  batch: 'batch',
  selfTest: 'selfTest',
  sweepStore: 'sweepStore',
} as const;
export const SIGNALS = { predictionCompleted: 'predictionCompleted', clipAttention: 'clipAttention' } as const;
export const UPDATES = { decideClip: 'decideClip' } as const;
export const QUERIES = { status: 'status', batchProgress: 'batchProgress' } as const;
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
export const musicSubject = (number: number): Subject => `music:${number}`;

/** `video-job-<jobId>` */
export const videoJobId = (jobId: string): string => `video-job-${jobId}`;

/** `video-job-<jobId>-clip-03`: at least two digits, so that lists sort. */
export function generationId(jobId: string, subject: Subject): string {
  const { kind, number } = parseSubject(subject);
  return `${videoJobId(jobId)}-${kind}-${String(number).padStart(2, '0')}`;
}

/** `settle-<predictionId>`, or the ledger row's id while the prediction's own is not known. */
export const settleId = (purchaseId: string): string => `settle-${purchaseId}`;

/** `export-<id>` or `combination-<id>` */
export const renditionWorkflowId = (kind: RenditionKind, id: string): string => `${kind}-${id}`;

/** `batch-<id>` */
export const batchWorkflowId = (batchId: string): string => `batch-${batchId}`;

export interface BatchInput {
  batchId: string;
}

export interface RenditionInput {
  renditionId: string;
}

export interface RenditionResult {
  durationSeconds: number;
  sizeBytes: number;
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
  /** What the job has cost in all runs, strays included, in US dollars. Absent in older histories. */
  costUsd?: number;
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

/** What a generation has cost so far, all its attempts, in US dollars. Absent where that is nothing, and in older histories. */
export interface Spent {
  costUsd?: number;
}

/** How a generation ends. A generation never rejects its parent: every expected end is a value. */
export type GenerationOutcome = Spent &
  (
    | { status: 'stored'; predictionId: string | null }
    | { status: 'skipped'; error: FailureInfo }
    | { status: 'failed'; error: FailureInfo }
    | { status: 'cancelled' }
  );

/** What follows when an attempt came to nothing: an end, another attempt by the rules, or somebody's decision. */
export type GenerationStep =
  | GenerationOutcome
  | (Spent & { status: 'again' })
  | (Spent & {
      status: 'needs_attention';
      error: FailureInfo;
      /** How long to wait for a decision before the clip is skipped, in milliseconds. */
      patienceMs: number;
    });

export interface PredictionCompletedSignal {
  predictionId: string;
}

/** A clip tells its job that it waits for a decision, or that it waits no more. */
export interface ClipAttentionSignal {
  number: number;
  error: FailureInfo | null;
}

/** An image of an order: exactly one of both. */
export type ImageReference = { assetId: string } | { url: string };

export const DECISIONS = ['retry', 'skip', 'fail'] as const;
export type Decision = (typeof DECISIONS)[number];

/** What a new attempt takes instead of what was ordered; each field optional. */
export interface ClipChanges {
  prompt?: string;
  model?: ModelName;
  firstImage?: ImageReference;
  lastImage?: ImageReference;
}

/** The argument of the update `decideClip`. Changes go with `retry` only. */
export interface ClipDecision extends ClipChanges {
  decision: Decision;
  /** The job's budget from now on, in US dollars. */
  budgetUsd?: number;
}

/** What the update `decideClip` answers. */
export interface ClipDecided {
  decision: Decision;
}

export interface SettleInput extends GenerationInput {
  /** The ledger row's id. */
  purchaseId: string;
}
