/** Pure rules of one purchase: what identifies it at the provider, what it costs, and when another attempt may follow. */
import type { FailureInfo } from './contract.js';
import { ERRORS } from './errors.js';
import type { FinalProviderStatus, PredictionState } from './ledger.js';
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

/**
 * True where the next attempt may be opened without anybody's decision: the provider's answer, or its list, proves that
 * this one was never created, and the reason may pass.
 */
export function mayTryAgain(row: {
  state: PredictionState;
  providerId: string | null;
  error: FailureInfo | null;
}): boolean {
  return row.state === 'failed' && row.providerId === null && row.error !== null && ERRORS[row.error.code].retry;
}
