import type { ProviderStatus } from './ledger.js';

/** A prediction as the provider showed it, in its list or in a signed body, as far as its place with us depends on it. */
export interface SeenPrediction {
  id: string;
  /** The provider's name of the model, `owner/name`. */
  model: string;
  /** What tells it apart, see `fingerprintOf`; null where the input is gone or cannot be one of ours. */
  fingerprint: string | null;
  status: ProviderStatus;
  /** Whether the provider has begun to work on it. */
  started: boolean;
  metrics: Record<string, number>;
  /** The provider's time. */
  createdAt: Date;
}
