/**
 * The life of one purchase, as pure rules:
 * intended -> posting -> (known | unknown) -> succeeded | failed | canceled | aborted -> stored.
 */
export const PREDICTION_STATES = [
  'intended',
  'posting',
  'known',
  'unknown',
  'succeeded',
  'failed',
  'canceled',
  'aborted',
  'stored',
] as const;
export type PredictionState = (typeof PREDICTION_STATES)[number];

const NEXT: Record<PredictionState, readonly PredictionState[]> = {
  // An intent that is never posted (its job ended first) is canceled without a provider id. `known` from here: somebody
  // holds its answer, and the database has fallen back behind its post.
  intended: ['posting', 'known', 'canceled'],
  // `failed` from here: the provider's answer proves that nothing was created.
  posting: ['known', 'unknown', 'failed'],
  known: ['succeeded', 'failed', 'canceled', 'aborted'],
  // Found by listing or by webhook, or proven absent.
  unknown: ['known', 'failed'],
  succeeded: ['stored'],
  failed: [],
  canceled: [],
  aborted: [],
  stored: [],
};

/** True where the ledger may move a purchase from one state to the other. */
export function mayMove(from: PredictionState, to: PredictionState): boolean {
  return NEXT[from].includes(to);
}

/** The states from which `to` may be reached: the WHERE of a guarded update. */
export function statesBefore(to: PredictionState): PredictionState[] {
  return PREDICTION_STATES.filter((from) => mayMove(from, to));
}

/** The provider may hold, or come to hold, a prediction for a purchase in one of these states. */
export const OPEN_PREDICTION_STATES = ['intended', 'posting', 'known', 'unknown'] as const;

/** A purchase that ended without an output: only then may another attempt be opened. */
export const isSpent = (state: PredictionState): boolean =>
  state === 'failed' || state === 'canceled' || state === 'aborted';

/** Statuses of a Replicate prediction (openapi.yaml, `PredictionResponse.status`). */
export type ProviderStatus = 'starting' | 'processing' | 'succeeded' | 'failed' | 'canceled' | 'aborted';
export type FinalProviderStatus = Exclude<ProviderStatus, 'starting' | 'processing'>;

export function isFinalStatus(status: ProviderStatus): status is FinalProviderStatus {
  return status !== 'starting' && status !== 'processing';
}
