import { createHash, randomInt, randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { type GenerationInput, parseSubject, type Subject } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { clipPriceUsd, providerInput, videoModel } from '../domain/models.js';
import { fingerprintOf, nextAttempt, type OpenedBy } from '../domain/purchase.js';
import { countOpenPurchases, lockMoney, type MoneyBounds, refuseOverBudget } from '../storage/budgets.js';
import { type ClipRecord, findClip, moveClip, type PreparedInputs } from '../storage/clips-repository.js';
import { findJob, type JobRecord } from '../storage/jobs-repository.js';
import { type LedgerRow, latestPurchase, purchasesOf } from '../storage/ledger.js';
import { insertIntent, type NewIntent, takeOverIntent } from '../storage/ledger-moves.js';
import type { ActivityDeps } from './deps.js';

/** Seeds are 31 bits wide: every model takes those, and two open purchases hardly ever share one. */
const SEEDS = 2 ** 31 - 1;
const UNIQUE_VIOLATION = '23505';
/** When another open purchase has the same fingerprint: it gets its id within a POST's window. */
const SAME_FINGERPRINT_PAUSE_MS = 2_000;

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * R1: one transaction locks the owner, the campaign and the job, looks at the last purchases, and either takes over
 * their open intent, writes the next one, or leaves things as they are. Resolves with the row that now stands for the
 * subject; the caller may post for it only where it is `intended`. Throws PREDICTION_CANCELED for what was cancelled,
 * BUDGET_EXCEEDED, PURCHASE_LIMIT while the owner has as many purchases open as allowed, and PURCHASE_PENDING while
 * another open purchase cannot be told from this one.
 */
export async function openIntent(
  { knex, settings }: Pick<ActivityDeps, 'knex' | 'settings'>,
  generation: GenerationInput,
  lease: string,
  inputs: PreparedInputs,
): Promise<LedgerRow> {
  const { jobId, subject } = generation;
  try {
    return await knex.transaction(async (trx) => {
      const bounds = await lockMoney(trx, jobId);
      const purchases = await purchasesOf(trx, jobId, subject);
      const next = nextAttempt(purchases);
      const open = purchases[0]?.state === 'intended' ? purchases[0] : undefined;
      if (open !== undefined || next.kind === 'open') {
        const { job, clip } = await requireOpen(trx, generation);
        const openedBy = open?.openedBy ?? (next.kind === 'open' ? next.openedBy : 'order');
        const intent = newIntent({ job, clip, subject, inputs, lease, openedBy });
        if (bounds !== undefined) await refuseBeyond(trx, bounds, intent.estimateUsd, open?.id, settings);
        // Nobody has posted an open intent: it is told anew, since its links may have expired.
        if (open !== undefined) await takeOverIntent(trx, open.id, intent);
        else await insertIntent(trx, intent);
        // The links are one-off: the next purchase gets others.
        await moveClip(trx, clip, [clip.status], {
          status: 'generating',
          error: null,
          preparedInputs: null,
          started: true,
        });
      }
      return (await latestPurchase(trx, jobId, subject)) as LedgerRow;
    });
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== UNIQUE_VIOLATION) throw cause;
    throw new ReelwrightError('PURCHASE_PENDING', 'another open purchase has the same input and no id yet', {
      cause,
      retryAfterMs: SAME_FINGERPRINT_PAUSE_MS,
    });
  }
}

/** The rows of what may still be bought; throws NOT_FOUND without them and PREDICTION_CANCELED for what was cancelled. */
export async function requireOpen(
  trx: Knex,
  { jobId, subject }: GenerationInput,
): Promise<{ job: JobRecord; clip: ClipRecord }> {
  const job = await findJob(trx, jobId);
  const clip = await findClip(trx, jobId, parseSubject(subject).number);
  if (job === undefined || clip === undefined) {
    throw new ReelwrightError('NOT_FOUND', `expected rows for ${subject} of job ${jobId}, found none`);
  }
  if (job.status === 'cancelled' || job.cancelRequestedAt !== null || clip.status === 'cancelled') {
    throw new ReelwrightError('PREDICTION_CANCELED', `${subject} of job ${jobId} was cancelled before it was bought`);
  }
  return { job, clip };
}

async function refuseBeyond(
  trx: Knex,
  bounds: MoneyBounds,
  estimateUsd: number,
  openId: string | undefined,
  { openPurchasesPerOwner, limitPauseMs }: ActivityDeps['settings'],
): Promise<void> {
  await refuseOverBudget(trx, bounds, estimateUsd, openId === undefined ? [] : [openId]);
  const limit = bounds.openPurchases ?? openPurchasesPerOwner;
  const open = await countOpenPurchases(trx, bounds.ownerId, openId);
  if (open < limit) return;
  throw new ReelwrightError(
    'PURCHASE_LIMIT',
    `the owner has ${open} purchases open and may have ${limit} at once: this one waits for its turn`,
    { retryAfterMs: limitPauseMs },
  );
}

interface IntentFacts {
  job: JobRecord;
  clip: ClipRecord;
  subject: Subject;
  inputs: PreparedInputs;
  lease: string;
  openedBy: OpenedBy;
}

function newIntent({ job, clip, subject, inputs, lease, openedBy }: IntentFacts): NewIntent {
  const model = videoModel(clip.model);
  const seed = model.seed ? randomInt(SEEDS) : null;
  const settings = { model: clip.model, generateAudio: job.generateAudio, durationSeconds: clip.durationSeconds };
  const input = providerInput({
    ...settings,
    resolution: job.resolution,
    aspectRatio: job.aspectRatio,
    prompt: clip.prompt,
    hasFirstImage: inputs.firstImageUrl !== null,
    hasLastImage: inputs.lastImageUrl !== null,
    firstImageUrl: inputs.firstImageUrl,
    lastImageUrl: inputs.lastImageUrl,
    seed,
  });
  return {
    id: randomUUID(),
    jobId: job.id,
    subject,
    attempt: clip.attempt + 1,
    model: model.replicateModel,
    fingerprint: fingerprintOf(input, sha256),
    seed,
    input,
    estimateUsd: clipPriceUsd(settings),
    openedBy,
    lease,
  };
}
