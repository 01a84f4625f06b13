/**
 * What the activities take and give, as types: the workflows know them by nothing else. JSON only; no prompt and no
 * media byte travels in here, since it would stay in history.
 */
import type { BatchAction, BatchProgress, BatchState } from './batches.js';
import type {
  BatchInput,
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
import type { Operated, Operation } from './operations.js';
import type { JobState } from './states.js';

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
  /** What whoever watches is told. Absent in older histories. */
  facts?: JobFacts;
}

/** Addresses that texts for people lead to, without a slash at the end; each absent where it is not known. */
export interface TextLinks {
  /** The Web UI's list of workflows: an id behind it is a workflow's page. */
  workflows?: string;
  /** The api, with its prefix. */
  api?: string;
}

/** What a job's texts say of its order. Money is US dollars. */
export interface JobFacts {
  name: string;
  estimatedCostUsd: number;
  budgetUsd: number | null;
  /** In the order of the plan's clips. Durations are seconds. */
  clips: { model: string; durationSeconds: number }[];
  links: TextLinks;
}

/** What a generation's texts say of it. Money is US dollars, durations are seconds. */
export interface GenerationFacts {
  jobName: string;
  /** How many of its kind the job has. */
  of: number;
  model: string;
  durationSeconds: number;
  /** The attempt that is under way, or comes next. */
  attempt: number;
  /** What another attempt would cost. */
  priceUsd: number;
  /** What all attempts have cost so far. */
  costUsd: number;
  links: TextLinks;
}

/** Milliseconds between looks at the provider: from `firstMs`, growing by `factor`, to `maxMs`. */
export interface Polling {
  firstMs: number;
  maxMs: number;
  factor: number;
}

export type PreparedGeneration = (
  | /** Nothing is left to do. */
  { outcome: GenerationOutcome }
  | { outcome: null; polling: Polling }
) & {
  /** What whoever watches is told. Absent in older histories. */
  facts?: GenerationFacts;
};

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
  /** (a) Runs that were owed, those of exports, combinations and batches among them. */
  started: number;
  /** (b) Open jobs, exports, combinations and batches whose workflow is closed. */
  ended: number;
  /** (c) Purchases handed to a settlement. */
  settling: number;
  /** (d) Predictions at the provider that the ledger did not know; absent when the lists were not compared. */
  strays?: number;
}

/** What a batch has to do. */
export interface BatchPlan {
  action: BatchAction;
  /** One sentence for whoever watches: what is done to which jobs. */
  summary: string;
  /** Positions of the jobs that nothing was done to yet. */
  pending: number[];
}

/** Some jobs of a batch, by their positions. */
export interface BatchWorkInput extends BatchInput {
  positions: number[];
}

/** What became of one job of a batch that was not done. */
export interface SkippedJob {
  jobId: string;
  error: FailureInfo;
}

export interface BatchWorked {
  progress: BatchProgress;
  /** Those of the given positions that were skipped. */
  skipped: SkippedJob[];
}

export interface EndBatchInput extends BatchInput {
  end: Extract<BatchState, 'completed' | 'failed' | 'cancelled'>;
  error: FailureInfo | null;
}

/** One thing done to many jobs. */
export interface BatchActivities {
  planBatch(input: BatchInput): Promise<BatchPlan>;
  /** Ends early where the batch's end was asked for; what was done before is not done again. */
  workOnBatch(input: BatchWorkInput): Promise<BatchWorked>;
  endBatch(input: EndBatchInput): Promise<{ status: BatchState; progress: BatchProgress }>;
}

/** The order that the self-test has placed, and how long it may take. Milliseconds. */
export interface SelfTestOrder {
  jobId: string;
  lookEveryMs: number;
  patienceMs: number;
}

/** How the order stands. */
export interface SelfTestJob {
  status: JobState;
  /** One sentence for whoever watches. */
  message: string;
}

/** What a self-test has found in order. Money is US dollars, sizes bytes. */
export interface SelfTestPassed {
  jobId: string;
  videoBytes: number;
  costUsd: number;
}

/** A tiny order of our own, from its rows to its video. */
export interface SelfTestActivities {
  /** Repeated in one run of the workflow it gives the same order. Throws SELF_TEST_FAILED where it may not be placed. */
  placeSelfTest(): Promise<SelfTestOrder>;
  readSelfTest(input: { jobId: string }): Promise<SelfTestJob>;
  /** Throws SELF_TEST_FAILED that says what is wrong. */
  checkSelfTest(input: { jobId: string }): Promise<SelfTestPassed>;
  /** Asks for the end of an order that takes too long. Throws SELF_TEST_FAILED that says where it stands. */
  giveUpSelfTest(input: { jobId: string; afterMs: number }): Promise<void>;
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
  rows: { encodedClips: number; mediaProbes: number; answers: number; webhooks: number };
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
  /** Does what an operator asked for, once however often it runs. Throws NOT_FOUND, WRONG_STATE and what the action throws. */
  operate(input: Operation): Promise<Operated>;
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

/** What was bought, on its way into the store; on a task queue of its own. */
export interface OutputActivities {
  collectOutput(input: CollectInput): Promise<GenerationOutcome>;
}

/** Long work on stored media. */
export interface MediaActivities {
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
