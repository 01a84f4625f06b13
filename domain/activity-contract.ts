/**
 * What the activities take and give, as types: the workflows know them by nothing else. JSON only; no prompt and no
 * media byte travels in here, since it would stay in history.
 */
import type {
  ClipDecision,
  FailureInfo,
  GenerationInput,
  GenerationOutcome,
  GenerationStep,
  RenditionInput,
  RenditionResult,
  SettleInput,
  VideoJobInput,
  VideoJobResult,
} from './contract.js';
import type { ProviderStatus } from './ledger.js';

export interface JobPlan {
  /** One sentence for whoever watches: what was ordered. */
  summary: string;
  /** Numbers of all clips, in the order of the video. */
  clips: number[];
  /** Numbers of the pieces of music, each of which goes on from the one before. Absent where there is none. */
  music?: number[];
  /** How many clips are generated at once. */
  parallelClips: number;
  /** Whether images that were ordered by address are still to be fetched. Absent in older histories. */
  fetchImages?: boolean;
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

export interface EndRenditionInput extends RenditionInput {
  end: 'failed' | 'cancelled';
  error: FailureInfo | null;
}

export interface EndGenerationInput extends GenerationInput {
  /** `failed` is a proposal, which the job's `onClipFailure` and the rules of attempts answer; the others are ends. */
  end: { status: 'failed'; error: FailureInfo } | { status: 'skipped'; error: FailureInfo } | { status: 'cancelled' };
}

export interface DecideInput extends GenerationInput {
  decision: ClipDecision;
}

/** What one run of the reconciler did. */
export interface Reconciled {
  /** (a) Runs that were owed, those of exports and combinations among them. */
  started: number;
  /** (b) Open jobs, exports and combinations whose workflow is closed. */
  ended: number;
  /** (c) Purchases handed to a settlement. */
  settling: number;
  /** (d) Predictions at the provider that the ledger did not know; absent when the lists were not compared. */
  strays?: number;
}

/** What the sweep deleted of the store. */
export interface SweptBlobs {
  blobs: number;
  bytes: number;
}

/** What one sweep of the store did; counts of rows. */
export interface Swept {
  /** Whose media had been kept long enough. */
  expired: { jobs: number; combinations: number };
  rows: { encodedClips: number; mediaProbes: number; answers: number };
  deleted: SweptBlobs;
}

/** Reads and guarded writes of rows. */
export interface RowActivities {
  planJob(input: VideoJobInput): Promise<JobPlan>;
  completeJob(input: VideoJobInput): Promise<VideoJobResult>;
  endJob(input: EndJobInput): Promise<void>;
  endGeneration(input: EndGenerationInput): Promise<GenerationStep>;
  startOwedRuns(): Promise<{ started: number }>;
  endRendition(input: EndRenditionInput): Promise<{ status: 'failed' | 'cancelled' }>;
  /** Throws VALIDATION_FAILED, ASSET_NOT_FOUND, BUDGET_EXCEEDED or WRONG_STATE; the clip then waits on. */
  decideClip(input: DecideInput): Promise<GenerationStep>;
}

/** Requests to the provider that cost nothing and may be repeated. */
export interface ProviderActivities {
  prepareGeneration(input: GenerationInput): Promise<PreparedGeneration>;
  pollPrediction(input: CollectInput): Promise<{ status: ProviderStatus }>;
  /** Resolves with the id of a prediction that ended well all the same, and whose output is therefore to be kept. */
  cancelPurchase(input: GenerationInput): Promise<{ succeeded: string | null }>;
  /** Fetches the images that the job's clips name by address. Throws URL_REFUSED or IMAGE_NOT_FETCHED. */
  fetchImages(input: VideoJobInput): Promise<{ fetched: number }>;
  /** Finds out what became of a purchase that no workflow owns; null when nothing is to be collected. */
  resolvePurchase(input: SettleInput): Promise<{ predictionId: string | null; polling: Polling }>;
  /** Everything that the reconciler mends. */
  reconcileLedger(): Promise<Omit<Reconciled, 'started'>>;
}

/** What costs money; on a task queue of its own. */
export interface BuyingActivities {
  buy(input: GenerationInput): Promise<Purchase>;
}

/** Long work on media. */
export interface MediaActivities {
  collectOutput(input: CollectInput): Promise<GenerationOutcome>;
  cutVideo(input: VideoJobInput): Promise<{ durationSeconds: number; sizeBytes: number }>;
  makePoster(input: VideoJobInput): Promise<{ sizeBytes: number }>;
  /** The poster, the thumbnail and the sprite sheet of a job's video. */
  makePreviews(input: VideoJobInput): Promise<{ pictures: number }>;
}

/** Long work on finished videos; on a task queue of its own. */
export interface RenditionActivities {
  makeExport(input: RenditionInput): Promise<RenditionResult>;
  makeCombination(input: RenditionInput): Promise<RenditionResult>;
}

/** The care of the store. Each goes on where a broken-off attempt ended, and is harmless to repeat. */
export interface StoreActivities {
  expireMedia(): Promise<Swept['expired']>;
  sweepRows(): Promise<Swept['rows']>;
  sweepBlobs(): Promise<SweptBlobs>;
}
