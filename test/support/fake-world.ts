/** Activities without a database, a provider or ffmpeg: they record what the workflows ask and answer as told. */
import type { Polling } from '../../domain/activity-contract.js';
import {
  type ClipDecision,
  type FailureInfo,
  type GenerationStep,
  parseSubject,
  type Subject,
} from '../../domain/contract.js';
import { ReelwrightError } from '../../domain/errors.js';
import type { ProviderStatus } from '../../domain/ledger.js';
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
  const numbers = Array.from({ length: options.clips }, (_, index) => index + 1);
  const activities: AllActivities = {
    async planJob() {
      call('plan');
      return {
        summary: 'a job',
        clips: numbers,
        parallelClips: options.parallelClips ?? 10,
        ...(options.music !== undefined && { music: Array.from({ length: options.music }, (_, index) => index + 1) }),
        ...(options.fetchImages === undefined ? {} : { fetchImages: options.fetchImages }),
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
      return { fetched: 1 };
    },
    async resolvePurchase({ subject }) {
      const number = call('resolve', subject);
      return { predictionId: predictionOf(number), polling: options.polling ?? NEVER };
    },
    async reconcileLedger() {
      call('reconcile');
      return { ended: 0, settling: 0 };
    },
    async startOwedRuns() {
      return { started: 0 };
    },
    async prepareGeneration({ subject }) {
      const number = call('prepare', subject);
      if (options.stored?.includes(number) === true) {
        return { outcome: { status: 'stored', predictionId: predictionOf(number) } };
      }
      return { outcome: null, polling: options.polling ?? NEVER };
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
      const failed = failures.get(number) ?? 0;
      if (options.failing?.includes(number) === true && failed < (options.failTimes ?? Number.POSITIVE_INFINITY)) {
        throw new ReelwrightError('PROVIDER_REFUSED_CONTENT', 'E005 flagged as sensitive');
      }
      open.delete(number);
      return { status: 'stored', predictionId };
    },
    async cutVideo() {
      call('cut');
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
      return { encodedClips: 0, mediaProbes: 0, answers: 0 };
    },
    async sweepBlobs() {
      call('sweep-blobs');
      return { blobs: 3, bytes: 1024 };
    },
  };
  return { activities, calls, mostAtOnce: () => most };
}
