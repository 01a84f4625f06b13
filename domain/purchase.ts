/** Pure rules of one purchase: what identifies it at the provider, what it costs, and when another attempt may follow. */
import type { FailureInfo } from './contract.js';
import { ERRORS, type ErrorCode } from './errors.js';
import { type FinalProviderStatus, isSpent, type PredictionState } from './ledger.js';
import { roundUsd } from './models.js';

/** From the intent's commit to the last moment at which its POST may be in flight, in milliseconds. */
export const POST_WINDOW_MS = 20_000;
/** The POST is given up this long before the window ends, so that no answer arrives for a row that others resolve. */
export const POST_MARGIN_MS = 5_000;
/** The provider ends a runaway prediction by itself after this many seconds. */
export const CANCEL_AFTER_SECONDS = 30 * 60;
/** How far the provider's clock may be behind ours when we look for a purchase in its list. */
export const CLOCK_MARGIN_MS = 5 * 60_000;
/** Two listings without a trace must lie this far apart before a purchase counts as absent. */
export const LISTINGS_APART_MS = 10_000;

/**
 * What tells a purchase apart from all others in the provider's list: the seed where the model takes one, else the
 * one-off link of its first image, else the whole input. `hash` gives sha256 as hex; only its last case uses it.
 */
export function fingerprintOf(input: Record<string, unknown>, hash: (text: string) => string): string {
  if (typeof input['seed'] === 'number') return `seed:${input['seed']}`;
  const link = input['first_frame_image'] ?? input['image'];
  if (typeof link === 'string') return `link:${link}`;
  return `input:${hash(canonicalJson(input))}`;
}

function canonicalJson(value: Record<string, unknown>): string {
  return JSON.stringify(
    Object.keys(value)
      .sort()
      .map((key) => [key, value[key]]),
  );
}

export interface PredictionCost {
  status: FinalProviderStatus;
  /** Whether the provider had begun to work on it. */
  started: boolean;
  /** What was reserved for it, in US dollars. */
  estimateUsd: number;
  /** Seconds of video that were ordered; undefined for what has no length. */
  orderedSeconds: number | undefined;
  metrics: Record<string, number>;
}

/**
 * What a prediction that has ended cost, in US dollars: a succeeded one by the seconds it delivered, one canceled after
 * its start in full, a failed or aborted one nothing (replicate.com/docs/topics/predictions/lifecycle).
 */
export function predictionCostUsd({ status, started, estimateUsd, orderedSeconds, metrics }: PredictionCost): number {
  if (status === 'failed' || status === 'aborted') return 0;
  if (status === 'canceled') return started ? estimateUsd : 0;
  const delivered = metrics['video_output_duration_seconds'];
  if (delivered === undefined || orderedSeconds === undefined) return estimateUsd;
  return roundUsd((estimateUsd * delivered) / orderedSeconds);
}

/** Why an attempt was opened. The first by the order; the rest for a reason of its own. */
export const OPENED_BY = [
  'order',
  // The one before was never created, and the reason has passed.
  'again',
  // The one before failed in a way that the rules let pass.
  'automatic',
  // Somebody's word: a decision on a waiting clip, or an action on the job.
  'decision',
  'retry',
  'regenerate',
] as const;
export type OpenedBy = (typeof OPENED_BY)[number];

/** How often a failed prediction is followed by another one without anybody's word, counted from the last such word. */
export const MAX_AUTOMATIC_ATTEMPTS = 2;

/** Failures that say nothing against the order: the provider's own, and an input that it could not read. */
const AUTOMATIC: ReadonlySet<ErrorCode> = new Set([
  'PROVIDER_FAULT',
  'PREDICTION_ABORTED',
  'PROVIDER_INPUT_UNREADABLE',
]);

/** Why what succeeded cannot be had: its link is dead, or leads where nothing is fetched from. */
const LOST: ReadonlySet<ErrorCode> = new Set(['OUTPUT_LOST', 'OUTPUT_HOST_REFUSED']);

/** Failures that always wait for somebody, whatever the order says about failed clips. */
const NEEDS_SOMEBODY: ReadonlySet<ErrorCode> = new Set(['BUDGET_EXCEEDED', 'PURCHASE_UNKNOWN']);

export const alwaysWaits = (code: ErrorCode): boolean => NEEDS_SOMEBODY.has(code);

/** What the rules of attempts look at in one row of the ledger. */
export interface AttemptFacts {
  state: PredictionState;
  providerId: string | null;
  error: FailureInfo | null;
  openedBy: OpenedBy;
}

export type NextAttempt =
  /** The latest attempt is to be carried on. */
  | { kind: 'current' }
  /** Another attempt may be opened, for this reason. */
  | { kind: 'open'; openedBy: OpenedBy }
  /** Nothing more comes of it until somebody decides. */
  | { kind: 'spent' };

/**
 * What may follow the attempts of a subject, which are told newest first. An outcome that nobody knows is never a
 * reason for another attempt.
 */
export function nextAttempt(attempts: readonly AttemptFacts[]): NextAttempt {
  const latest = attempts[0];
  if (latest === undefined) return { kind: 'open', openedBy: 'order' };
  const code = latest.error?.code;
  if (latest.state === 'succeeded') return { kind: code !== undefined && LOST.has(code) ? 'spent' : 'current' };
  if (!isSpent(latest.state)) return { kind: 'current' };
  if (latest.providerId === null) {
    // Withdrawn before anybody could post for it, or proven not to be there for a reason that passes.
    const mayPass = latest.state === 'canceled' || (code !== undefined && ERRORS[code].retry);
    return mayPass ? { kind: 'open', openedBy: 'again' } : { kind: 'spent' };
  }
  if (code === undefined || !AUTOMATIC.has(code)) return { kind: 'spent' };
  const sinceWord = attempts.findIndex(({ openedBy }) => openedBy !== 'automatic' && openedBy !== 'again');
  const automatic = attempts
    .slice(0, sinceWord < 0 ? attempts.length : sinceWord)
    .filter(({ openedBy }) => openedBy === 'automatic').length;
  return automatic < MAX_AUTOMATIC_ATTEMPTS ? { kind: 'open', openedBy: 'automatic' } : { kind: 'spent' };
}
