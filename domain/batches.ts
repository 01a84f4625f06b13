/**
 * Batches: one thing done to many jobs. The jobs are chosen once, when it is ordered. Loaded by workflow code, so: no
 * zod, no Node built-ins.
 */
import type { ErrorCode } from './errors.js';

export const BATCH_ACTIONS = ['retry', 'cancel'] as const;
export type BatchAction = (typeof BATCH_ACTIONS)[number];

export const BATCH_STATES = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;
export type BatchState = (typeof BATCH_STATES)[number];

/** States in which a workflow is at work on a batch, or should be. */
export const OPEN_BATCH_STATES = ['queued', 'running'] as const satisfies readonly BatchState[];

export const BATCH_ITEM_STATES = ['pending', 'done', 'skipped'] as const;
export type BatchItemState = (typeof BATCH_ITEM_STATES)[number];

/** Most jobs of one batch: its results are one JSON answer. */
export const MAX_BATCH_JOBS = 2_000;

/** Which jobs are meant. Times are ISO 8601; a retry's are those at which the jobs ended. */
export interface BatchFilter {
  ownerId?: string;
  campaignId?: string;
  /** From this time on. */
  since?: string;
  /** Before this time. */
  until?: string;
  /** Whether a retry takes jobs that are completed_with_gaps as well. */
  withGaps?: boolean;
}

/** How far a batch is. */
export interface BatchProgress {
  total: number;
  done: number;
  skipped: number;
  pending: number;
  /** How many were skipped for which reason. */
  skippedFor: Partial<Record<ErrorCode, number>>;
}

/** One sentence for whoever watches: what is done to which jobs. */
export function batchSummary(action: BatchAction, filter: BatchFilter, total: number): string {
  const { ownerId, campaignId, since, until, withGaps } = filter;
  const which = action === 'cancel' ? 'open' : withGaps === true ? 'failed or incomplete' : 'failed';
  const of = [
    ...(campaignId === undefined ? [] : [`of campaign ${campaignId}`]),
    ...(ownerId === undefined ? [] : [`of owner ${ownerId}`]),
    ...(since === undefined ? [] : [`ended since ${since}`]),
    ...(until === undefined ? [] : [`ended before ${until}`]),
  ];
  return `${action} ${total} ${which} ${total === 1 ? 'job' : 'jobs'} ${of.join(', ')}`.trimEnd();
}
