import { createHash, randomInt, randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { parseSubject, type Subject } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { isSpent } from '../domain/ledger.js';
import { clipPriceUsd, providerInput, videoModel } from '../domain/models.js';
import { fingerprintOf, mayTryAgain } from '../domain/purchase.js';
import { type ClipRecord, findClip, moveClip, type PreparedInputs } from '../storage/clips-repository.js';
import { findJob, type JobRecord, lockJob } from '../storage/jobs-repository.js';
import { insertIntent, type LedgerRow, latestPurchase, type NewIntent, takeOverIntent } from '../storage/ledger.js';

/** Seeds are 31 bits wide: every model takes those, and two open purchases hardly ever share one. */
const SEEDS = 2 ** 31 - 1;
const UNIQUE_VIOLATION = '23505';
/** When another open purchase has the same fingerprint: it gets its id within a POST's window. */
const SAME_FINGERPRINT_PAUSE_MS = 2_000;

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** True where the subject may get a purchase of its own now: none yet, or the last one was never created. */
export const needsIntent = (latest: LedgerRow | undefined): boolean => latest === undefined || mayTryAgain(latest);

/**
 * R1: one transaction locks the job's row, looks at the last purchase, and either takes over its open intent, writes
 * the next one, or leaves things as they are. Resolves with the row that now stands for the subject; the caller may
 * post for it only where it is `intended`. Throws PREDICTION_CANCELED for a job that was cancelled, PURCHASE_PENDING
 * while another open purchase cannot be told from this one.
 */
export async function openIntent(
  knex: Knex,
  { jobId, subject }: { jobId: string; subject: Subject },
  lease: string,
  inputs: PreparedInputs,
): Promise<LedgerRow> {
  try {
    return await knex.transaction(async (trx) => {
      await lockJob(trx, jobId);
      const latest = await latestPurchase(trx, jobId, subject);
      if (latest?.state === 'intended' || needsIntent(latest)) {
        const { job, clip } = await requireOpen(trx, jobId, subject);
        const intent = newIntent(job, clip, subject, inputs, lease);
        // Nobody has posted an open intent: it is told anew, since its links may have expired.
        if (latest?.state === 'intended') await takeOverIntent(trx, latest.id, intent);
        else await insertIntent(trx, intent);
        // The links are one-off: the next purchase gets others.
        await moveClip(trx, clip, [clip.status], { status: 'generating', preparedInputs: null, started: true });
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

async function requireOpen(trx: Knex, jobId: string, subject: Subject): Promise<{ job: JobRecord; clip: ClipRecord }> {
  const job = await findJob(trx, jobId);
  const clip = await findClip(trx, jobId, parseSubject(subject).number);
  if (job === undefined || clip === undefined) {
    throw new ReelwrightError('NOT_FOUND', `expected rows for ${subject} of job ${jobId}, found none`);
  }
  if (job.status === 'cancelled' || clip.status === 'cancelled') {
    throw new ReelwrightError('PREDICTION_CANCELED', `${subject} of job ${jobId} was cancelled before it was bought`);
  }
  return { job, clip };
}

function newIntent(
  job: JobRecord,
  clip: ClipRecord,
  subject: Subject,
  inputs: PreparedInputs,
  lease: string,
): NewIntent {
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
    lease,
  };
}

/** True where nothing more can come of a purchase, and nobody has decided on another attempt. */
export const needsDecision = (row: LedgerRow): boolean => isSpent(row.state) && !mayTryAgain(row);
