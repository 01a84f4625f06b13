/**
 * What the activities take and give, as types: the workflows know them by nothing else. JSON only; no prompt and no
 * media byte travels in here, since it would stay in history.
 */
import type { FailureInfo, GenerationInput, GenerationOutcome, VideoJobInput, VideoJobResult } from './contract.js';
import type { ProviderStatus } from './ledger.js';

export interface JobPlan {
  /** One sentence for whoever watches: what was ordered. */
  summary: string;
  /** Numbers of all clips, in the order of the video. */
  clips: number[];
  /** How many generations run at once. */
  parallelClips: number;
}

/** Milliseconds between looks at the provider: from `firstMs`, growing by `factor`, to `maxMs`. */
export interface Polling {
  firstMs: number;
  maxMs: number;
  factor: number;
}

export type PreparedGeneration =
  /** Nothing is left to do. */
  { outcome: GenerationOutcome } | { outcome: null; polling: Polling };

export interface Purchase {
  predictionId: string;
  attempt: number;
}

export interface CollectInput extends GenerationInput {
  predictionId: string;
}

export interface EndJobInput extends VideoJobInput {
  end: 'failed' | 'cancelled';
  error: FailureInfo | null;
}

export interface EndGenerationInput extends GenerationInput {
  end: { status: 'failed'; error: FailureInfo } | { status: 'cancelled' };
}

/** Reads and guarded writes of rows. */
export interface RowActivities {
  planJob(input: VideoJobInput): Promise<JobPlan>;
  completeJob(input: VideoJobInput): Promise<VideoJobResult>;
  endJob(input: EndJobInput): Promise<void>;
  endGeneration(input: EndGenerationInput): Promise<GenerationOutcome>;
  startOwedRuns(): Promise<{ started: number }>;
}

/** Requests to the provider that cost nothing and may be repeated. */
export interface ProviderActivities {
  prepareGeneration(input: GenerationInput): Promise<PreparedGeneration>;
  pollPrediction(input: CollectInput): Promise<{ status: ProviderStatus }>;
  /** Resolves with the id of a prediction that ended well all the same, and whose output is therefore to be kept. */
  cancelPurchase(input: GenerationInput): Promise<{ succeeded: string | null }>;
}

/** What costs money; on a task queue of its own. */
export interface BuyingActivities {
  buy(input: GenerationInput): Promise<Purchase>;
}

/** Long work on media. */
export interface MediaActivities {
  collectOutput(input: CollectInput): Promise<GenerationOutcome>;
  cutVideo(input: VideoJobInput): Promise<{ durationSeconds: number; sizeBytes: number }>;
}
