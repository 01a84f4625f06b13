/** Activities without a database, a provider or ffmpeg: they record what the workflows ask and answer as told. */
import type { GenerationFacts, JobFacts, Polling } from '../../domain/activity-contract.js';
import type { BatchProgress } from '../../domain/batches.js';
import {
  type ClipDecision,
  type FailureInfo,
  type GenerationStep,
  parseSubject,
  type Subject,
} from '../../domain/contract.js';
import { ReelwrightError } from '../../domain/errors.js';
import type { ProviderStatus } from '../../domain/ledger.js';
import type { JobState } from '../../domain/states.js';
import type { AllActivities } from './workflow-rig.js';

export interface FakeWorldOptions {
  clips: number;
  /** How many pieces of music it has. */
  music?: number;
  parallelClips?: number;
  polling?: Polling;
  /** What the provider says of a prediction when it is polled. */
  statusOf?: (number: number, poll: number) => ProviderStatus;
  /** Numbers of clips that are stored before the job starts. */
  stored?: readonly number[];
  /** Numbers of clips whose predictions fail. */
  failing?: readonly number[];
  /** How often they fail before one succeeds. Default: always. */
  failTimes?: number;
  /** What follows when a clip's attempt came to nothing, `failure` counted from 1. Default: it failed. */
  onFailure?: (number: number, failure: number, error: FailureInfo) => GenerationStep;
  /** What becomes of a decision; throws to refuse it. Default: a retry. */
  onDecision?: (number: number, decision: ClipDecision) => GenerationStep;
  /** What the texts of the Web UI are told, as the activities tell it. Default: nothing, as in old histories. */
  told?: boolean;
  /** Whether the job has images that are still to be fetched. */
  fetchImages?: boolean;
  /** Whether making previews fails. */
  noPreviews?: boolean;
  /** What an export or a combination does before it is made. */
  onRender?: (calls: readonly string[]) => Promise<void>;
  /** Whether making a poster fails. */
  noPoster?: boolean;
  /** Numbers of clips that succeeded although they were cancelled. */
  succeedsAnyway?: readonly number[];
  /** How many jobs a batch has; every third one is skipped. */
  batchJobs?: number;
  /** What a batch does before it works on some of its jobs. */
  onBatch?: (calls: readonly string[]) => Promise<void>;
  /** How the order of the self-test stands each time it is looked at. Default: completed. */
  selfTestStates?: readonly JobState[];
  /** What happens while an activity runs that a cancel may meet: `plan`, `fetch-images`, `collect 1`, `cut`. */
  during?: (call: string, calls: readonly string[]) => Promise<void>;
  /** Whether nothing came of the purchase that is settled. */
  settlesNothing?: boolean;
  onBuy?: (number: number, calls: readonly string[]) => Promise<void> | void;
}

export interface FakeWorld {
  activities: AllActivities;
  /** Every call in the order it began, e.g. `buy 2`. */
  calls: string[];
  /** Most purchases that were between `buy` and their end at one time. */
  mostAtOnce(): number;
}

const RENDERED = { durationSeconds: 4, sizeBytes: 1 };

async function rendered({ onRender }: FakeWorldOptions, calls: readonly string[]): Promise<typeof RENDERED> {
  await onRender?.(calls);
  return RENDERED;
}

export const LINKS = { workflows: 'http://ui/namespaces/default/workflows', api: 'http://api/api/v3' };
const PRICE_USD = 1.6;

const jobFacts = (clips: number): JobFacts => ({
  name: 'Villa Azul',
  estimatedCostUsd: clips * PRICE_USD,
  budgetUsd: 9,
  clips: Array.from({ length: clips }, () => ({ model: 'veo-3.1', durationSeconds: 8 })),
  links: LINKS,
});

const clipFacts = (of: number, attempt: number): GenerationFacts => ({
  jobName: 'Villa Azul',
  of,
  model: 'veo-3.1',
  durationSeconds: 8,
  attempt,
  priceUsd: PRICE_USD,
  costUsd: 0,
  links: LINKS,
});

const NEVER: Polling = { firstMs: 3_600_000, maxMs: 3_600_000, factor: 1 };

/** Pieces of music are numbered after all clips: 1001 is the first. */
export const musicNumber = (piece: number): number => 1000 + piece;

function numberOf(subject: Subject): number {
  const { kind, number } = parseSubject(subject);
  return kind === 'music' ? musicNumber(number) : number;
}

export const predictionOf = (number: number): string => `prediction-${number}`;

export function fakeWorld(options: FakeWorldOptions): FakeWorld {
  const calls: string[] = [];
  const polls = new Map<number, number>();
  const failures = new Map<number, number>();
  const open = new Set<number>();
  let most = 0;
  const call = (name: string, subject?: Subject): number => {
    const number = subject === undefined ? 0 : numberOf(subject);
    calls.push(subject === undefined ? name : `${name} ${number}`);
    return number;
  };
  const worked: number[] = [];
  let looks = 0;
  const batchProgress = (): BatchProgress => {
    const [total, skipped] = [options.batchJobs ?? 0, worked.filter((position) => position % 3 === 0).length];
    const skippedFor = skipped === 0 ? {} : { WRONG_STATE: skipped };
    return { total, done: worked.length - skipped, skipped, pending: total - worked.length, skippedFor };
  };
  const numbers = Array.from({ length: options.clips }, (_, index) => index + 1);
  const activities: AllActivities = {
    async planJob() {
      call('plan');
      await options.during?.('plan', calls);
      return {
        summary: 'a job',
        clips: numbers,
        parallelClips: options.parallelClips ?? 10,
        ...(options.music !== undefined && { music: Array.from({ length: options.music }, (_, index) => index + 1) }),
        ...(options.fetchImages === undefined ? {} : { fetchImages: options.fetchImages }),
        ...(options.told === true && { facts: jobFacts(options.clips) }),
      };
    },
    async completeJob() {
      call('complete');
      return { status: 'completed', durationSeconds: options.clips * 4, sizeBytes: 1 };
    },
    async endJob({ end, error }) {
      call(error === null ? `end ${end}` : `end ${end} ${error.code}`);
    },
    async endGeneration({ subject, end }) {
      const number = call(`end-${end.status}`, subject);
      open.delete(number);
      if (end.status !== 'failed') return end;
      const failure = (failures.get(number) ?? 0) + 1;
      failures.set(number, failure);
      return options.onFailure?.(number, failure, end.error) ?? end;
    },
    async decideClip({ subject, decision }) {
      const number = call(`decide-${decision.decision}`, subject);
      return options.onDecision?.(number, decision) ?? { status: 'again' };
    },
    async fetchImages() {
      call('fetch-images');
      await options.during?.('fetch-images', calls);
      return { fetched: 1 };
    },
    async resolvePurchase({ subject }) {
      const number = call('resolve', subject);
      const predictionId = options.settlesNothing === true ? null : predictionOf(number);
      return { predictionId, polling: options.polling ?? NEVER };
    },
    async reconcileLedger() {
      call('reconcile');
      return { ended: 0, settling: 0 };
    },
    async operate({ action }) {
      call(`operate-${action}`);
      return { done: `${action} is done` };
    },
    async startOwedRuns() {
      return { started: 0 };
    },
    async prepareGeneration({ subject }) {
      const number = call('prepare', subject);
      const facts = options.told === true && { facts: clipFacts(options.clips, (failures.get(number) ?? 0) + 1) };
      if (options.stored?.includes(number) === true) {
        return { ...facts, outcome: { status: 'stored', predictionId: predictionOf(number) } };
      }
      return { ...facts, outcome: null, polling: options.polling ?? NEVER };
    },
    async buy({ subject }) {
      const number = call('buy', subject);
      open.add(number);
      most = Math.max(most, open.size);
      await options.onBuy?.(number, calls);
      return { predictionId: predictionOf(number), attempt: 1 };
    },
    async pollPrediction({ subject }) {
      const number = call('poll', subject);
      const poll = (polls.get(number) ?? 0) + 1;
      polls.set(number, poll);
      return { status: options.statusOf?.(number, poll) ?? 'processing' };
    },
    async cancelPurchase({ subject }) {
      const number = call('cancel', subject);
      return { succeeded: options.succeedsAnyway?.includes(number) === true ? predictionOf(number) : null };
    },
    async collectOutput({ subject, predictionId }) {
      const number = call('collect', subject);
      await options.during?.(`collect ${number}`, calls);
      const failed = failures.get(number) ?? 0;
      if (options.failing?.includes(number) === true && failed < (options.failTimes ?? Number.POSITIVE_INFINITY)) {
        throw new ReelwrightError('PROVIDER_REFUSED_CONTENT', 'E005 flagged as sensitive');
      }
      open.delete(number);
      return { status: 'stored', predictionId, ...(options.told === true && { costUsd: PRICE_USD }) };
    },
    async cutVideo() {
      call('cut');
      await options.during?.('cut', calls);
      return { durationSeconds: options.clips * 4, sizeBytes: 1 };
    },
    async makePoster() {
      call('poster');
      if (options.noPoster === true) throw new ReelwrightError('NOT_FOUND', 'no poster here');
      return { sizeBytes: 1 };
    },
    async makePreviews() {
      call('previews');
      if (options.noPreviews === true) throw new ReelwrightError('NOT_FOUND', 'no previews here');
      return { pictures: 1 };
    },
    async makeExport() {
      call('export');
      return await rendered(options, calls);
    },
    async makeCombination() {
      call('combine');
      return await rendered(options, calls);
    },
    async planBatch() {
      call('plan-batch');
      const pending = Array.from({ length: options.batchJobs ?? 0 }, (_, index) => index + 1);
      return { action: 'retry', summary: `retry ${pending.length} failed jobs`, pending };
    },
    async workOnBatch({ positions }) {
      call(`batch ${positions.join(' ')}`);
      await options.onBatch?.(calls);
      worked.push(...positions);
      const error: FailureInfo = { code: 'WRONG_STATE', message: 'it is completed' };
      const skipped = positions.filter((position) => position % 3 === 0);
      return { progress: batchProgress(), skipped: skipped.map((position) => ({ jobId: `job-${position}`, error })) };
    },
    async endBatch({ end, error }) {
      call(error === null ? `end-batch ${end}` : `end-batch ${end} ${error.code}`);
      return { status: end, progress: batchProgress() };
    },
    async placeSelfTest() {
      call('place-self-test');
      return { jobId: 'a-job', lookEveryMs: 20, patienceMs: 100 };
    },
    async readSelfTest() {
      call('read-self-test');
      const states = options.selfTestStates ?? ['completed'];
      const status = states[Math.min(looks, states.length - 1)] ?? 'completed';
      looks += 1;
      return { status, message: `it is ${status}` };
    },
    async checkSelfTest({ jobId }) {
      call('check-self-test');
      return { jobId, videoBytes: 1, costUsd: 0.4 };
    },
    async giveUpSelfTest() {
      call('give-up-self-test');
      throw new ReelwrightError('SELF_TEST_FAILED', 'its order takes too long');
    },
    async endRendition({ end, error }) {
      call(error === null ? `end-rendition ${end}` : `end-rendition ${end} ${error.code}`);
      return { status: end };
    },
    async expireMedia() {
      call('expire-media');
      return { jobs: 1, combinations: 0 };
    },
    async sweepRows() {
      call('sweep-rows');
      return { encodedClips: 0, mediaProbes: 0, answers: 0, webhooks: 0 };
    },
    async sweepBlobs() {
      call('sweep-blobs');
      return { blobs: 3, bytes: 1024 };
    },
  };
  return { activities, calls, mostAtOnce: () => most };
}
