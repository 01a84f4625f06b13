import { createHash, randomInt, randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { GenerationInput, Subject } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { providerInput, roundUsd, videoModel } from '../domain/models.js';
import { musicInput } from '../domain/music.js';
import { fingerprintOf, nextAttempt, type OpenedBy } from '../domain/purchase.js';
import { countOpenPurchases, lockMoney, type MoneyBounds, refuseOverBudget } from '../storage/budgets.js';
import { type ClipRecord, listClips } from '../storage/clips-repository.js';
import type { JobRow } from '../storage/jobs-repository.js';
import { type LedgerRow, latestPurchase } from '../storage/ledger.js';
import { insertIntent, type NewIntent, takeOverIntent } from '../storage/ledger-moves.js';
import { findSecondsBefore, type MusicRecord } from '../storage/music-repository.js';
import { beginByMoving, moveSubJob, type PreparedInputs, subjectOf } from '../storage/sub-job.js';
import {
  findSubJobAndCount,
  priceOf,
  providerModelOf,
  purchasesOfSubJob,
  type SubJobRecord,
} from '../storage/sub-jobs.js';
import type { ActivityDeps } from './deps.js';
import { purchaseEnded } from './failure-of.js';
import { readyInputs } from './prepared-inputs.js';
import { refuseWhilePaused } from './purchasing.js';

/** Seeds are 31 bits wide: every model takes those, and two open purchases hardly ever share one. */
const SEEDS = 2 ** 31 - 1;
const UNIQUE_VIOLATION = '23505';
/** When another open purchase has the same fingerprint: it gets its id within a POST's window. */
const SAME_FINGERPRINT_PAUSE_MS = 2_000;

type IntentDeps = Pick<ActivityDeps, 'knex' | 'settings'>;

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * R1: one transaction locks the owner, the job and the campaign, looks at the last purchases, and either takes over
 * their open intent, writes the next one, or leaves things as they are. Resolves with the row that now stands for the
 * subject; the caller may post for it only where it is `intended`. Undefined, and nothing done, where a purchase is to
 * follow whose inputs have to be made readable first, or looked at: then they are to be `given`.
 *
 * Throws NOT_FOUND without rows, the reason of the last purchase where nothing more comes of it, PREDICTION_CANCELED for
 * what was cancelled, PURCHASING_PAUSED, BUDGET_EXCEEDED, PURCHASE_LIMIT while the owner has as many purchases open as
 * allowed, and PURCHASE_PENDING while another open purchase cannot be told from this one.
 */
export async function openIntent(
  deps: IntentDeps,
  generation: GenerationInput,
  lease: string,
  given: PreparedInputs,
): Promise<LedgerRow>;
export async function openIntent(
  deps: IntentDeps,
  generation: GenerationInput,
  lease: string,
): Promise<LedgerRow | undefined>;
export async function openIntent(
  { knex, settings }: IntentDeps,
  generation: GenerationInput,
  lease: string,
  given?: PreparedInputs,
): Promise<LedgerRow | undefined> {
  const { jobId, subject } = generation;
  try {
    return await knex.transaction(async (trx) => {
      const { bounds, subJob, othersOpen } = await readLocked(trx, generation);
      const { job } = bounds;
      const purchases = await purchasesOfSubJob(trx, subJob);
      const [latest] = purchases;
      const next = nextAttempt(purchases);
      if (next.kind === 'spent' && latest !== undefined) throw purchaseEnded(latest);
      const open = latest?.state === 'intended' ? latest : undefined;
      if (latest !== undefined && open === undefined && next.kind === 'current') return latest;
      refuseCancelled(job, subJob);
      if (bounds.isPaused) await refuseWhilePaused({ knex: trx, settings });
      const inputs = given ?? (mayBeUnreadable(latest) ? undefined : readyInputs(subJob));
      if (inputs === undefined) return undefined;
      const openedBy = open?.openedBy ?? (next.kind === 'open' ? next.openedBy : 'order');
      const intent = await newIntent(trx, { job, subJob, subject, inputs, lease, openedBy });
      const spent = roundUsd(intent.estimateUsd + (await heldForClips(trx, job, subJob)));
      await refuseOverBudget(trx, bounds, spent, open === undefined ? [] : [open.id]);
      refuseBeyondLimit(bounds, othersOpen, settings);
      // The links are one-off: the next purchase gets others.
      const started = { status: 'generating', error: null, preparedInputs: null, started: true } as const;
      if (open === undefined) {
        return await insertIntent(
          trx,
          intent,
          beginByMoving(trx, trx.queryBuilder(), subJob, [subJob.status], started),
        );
      }
      await moveSubJob(trx, subJob, [subJob.status], started);
      // Nobody has posted an open intent: it is told anew, since its links may have expired. Where its holder got the
      // right to post meanwhile, there is nothing to take over.
      return (await takeOverIntent(trx, open.id, intent)) ?? ((await latestPurchase(trx, jobId, subject)) as LedgerRow);
    });
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== UNIQUE_VIOLATION) throw cause;
    throw new ReelwrightError('PURCHASE_PENDING', 'another open purchase has the same input and no id yet', {
      cause,
      retryAfterMs: SAME_FINGERPRINT_PAUSE_MS,
    });
  }
}

interface Locked {
  bounds: MoneyBounds;
  subJob: SubJobRecord;
  /** How many other purchases of its owner are open. */
  othersOpen: number;
}

/** Throws NOT_FOUND without rows. */
async function readLocked(trx: Knex, generation: GenerationInput): Promise<Locked> {
  const bounds = await lockMoney(trx, generation.jobId);
  if (bounds !== undefined) {
    const others = countOpenPurchases(trx, bounds.job.ownerId, generation);
    const found = await findSubJobAndCount(trx, generation, others);
    if (found !== undefined) return { bounds, subJob: found.subJob, othersOpen: found.counted };
  }
  const { jobId, subject } = generation;
  throw new ReelwrightError('NOT_FOUND', `expected rows for ${subject} of job ${jobId}, found none`);
}

/** Whether the purchase before failed because the provider could not read its inputs. */
export const mayBeUnreadable = (latest: Pick<LedgerRow, 'error'> | undefined): boolean =>
  latest?.error?.code === 'PROVIDER_INPUT_UNREADABLE';

/** Throws PREDICTION_CANCELED for what was cancelled, and must not be bought any more. */
function refuseCancelled(job: JobRow, subJob: SubJobRecord): void {
  if (job.status !== 'cancelled' && job.cancelRequestedAt === null && subJob.status !== 'cancelled') return;
  throw new ReelwrightError(
    'PREDICTION_CANCELED',
    `${subjectOf(subJob)} of job ${job.id} was cancelled before it was bought`,
  );
}

/** Music must not take the money of clips that are still to be bought: without it a video is one, without them not. */
async function heldForClips(trx: Knex, job: JobRow, { kind }: SubJobRecord): Promise<number> {
  if (kind !== 'music') return 0;
  const unbought = (await listClips(trx, [job.id])).filter(
    ({ attempt, status }) => attempt === 0 && (status === 'pending' || status === 'generating'),
  );
  return unbought.reduce((sum, clip) => sum + priceOf(clip, job), 0);
}

function refuseBeyondLimit(
  { openPurchases }: MoneyBounds,
  open: number,
  { openPurchasesPerOwner, limitPauseMs }: ActivityDeps['settings'],
): void {
  const limit = openPurchases ?? openPurchasesPerOwner;
  if (open < limit) return;
  throw new ReelwrightError(
    'PURCHASE_LIMIT',
    `the owner has ${open} purchases open and may have ${limit} at once: this one waits for its turn`,
    { retryAfterMs: limitPauseMs },
  );
}

interface IntentFacts {
  job: JobRow;
  subJob: SubJobRecord;
  subject: Subject;
  inputs: PreparedInputs;
  lease: string;
  openedBy: OpenedBy;
}

async function newIntent(
  trx: Knex,
  { job, subJob, subject, inputs, lease, openedBy }: IntentFacts,
): Promise<NewIntent> {
  const seed = takesSeed(subJob) ? randomInt(SEEDS) : null;
  const input =
    subJob.kind === 'music' ? await inputOfMusic(trx, subJob, inputs, seed) : inputOfClip(job, subJob, inputs, seed);
  return {
    id: randomUUID(),
    jobId: job.id,
    subject,
    attempt: subJob.attempt + 1,
    model: providerModelOf(subJob),
    fingerprint: fingerprintOf(input, sha256),
    seed,
    input,
    estimateUsd: priceOf(subJob, job),
    openedBy,
    lease,
  };
}

/** Every music model does. */
const takesSeed = (subJob: SubJobRecord): boolean => subJob.kind === 'music' || videoModel(subJob.model).seed;

function inputOfClip(
  job: JobRow,
  clip: ClipRecord,
  { firstImageUrl, lastImageUrl }: PreparedInputs,
  seed: number | null,
): Record<string, unknown> {
  return providerInput({
    model: clip.model,
    generateAudio: job.generateAudio,
    durationSeconds: clip.durationSeconds,
    resolution: job.resolution,
    aspectRatio: job.aspectRatio,
    prompt: clip.prompt,
    hasFirstImage: firstImageUrl !== null,
    hasLastImage: lastImageUrl !== null,
    firstImageUrl,
    lastImageUrl,
    seed,
  });
}

async function inputOfMusic(
  trx: Knex,
  piece: MusicRecord,
  { inputAudioUrl }: PreparedInputs,
  seed: number | null,
): Promise<Record<string, unknown>> {
  const { model, prompt, durationSeconds } = piece;
  const continues = inputAudioUrl == null ? null : { url: inputAudioUrl, seconds: await findSecondsBefore(trx, piece) };
  return musicInput({ model, prompt, durationSeconds, seed, continues });
}
