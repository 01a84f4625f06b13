import { Context } from '@temporalio/activity';
import type { ProviderActivities } from '../domain/activity-contract.js';
import { isReelwrightError, ReelwrightError } from '../domain/errors.js';
import { isFinalStatus } from '../domain/ledger.js';
import { CANCEL_AFTER_SECONDS, nextAttempt } from '../domain/purchase.js';
import { isLongAgo, latestPurchase } from '../storage/ledger.js';
import { withdrawIntent } from '../storage/ledger-moves.js';
import { moveSubJob, subjectOf } from '../storage/sub-job.js';
import { purchasesOfSubJob, type SubJobRecord } from '../storage/sub-jobs.js';
import type { ActivityDeps } from './deps.js';
import { purchaseEnded } from './failure-of.js';
import { createFetchImages, fetchClipImages } from './fetch-images.js';
import { generationFacts, spentOn } from './generation-facts.js';
import { withHeartbeat } from './heartbeat.js';
import { prepareInputs } from './prepared-inputs.js';
import { requireSubJob, requireSubJobOfMany } from './required-rows.js';
import { findPurchaseAtProvider } from './resolve-purchase.js';
import { askProvider, cancelAtProvider, requirePurchase } from './settle.js';

/** A prediction of this age has outlived its `Cancel-After` by half. */
const OVERDUE_MS = CANCEL_AFTER_SECONDS * 1_500;

/** How soon a cancel that the provider has not carried out yet is looked at again. */
const CANCEL_PAUSE_MS = 2_000;

/** After this many attempts an address that does not answer is given up: there is somebody to decide about it. */
const IMAGE_ATTEMPTS = 10;

/** The row as it is once the images that it names by address are assets. */
async function withImages(deps: ActivityDeps, clip: SubJobRecord, signal: AbortSignal): Promise<SubJobRecord> {
  if (clip.kind !== 'clip') return clip;
  try {
    const fetched = await fetchClipImages(deps, clip, signal);
    return fetched === 0 ? clip : await requireSubJob(deps.knex, { jobId: clip.jobId, subject: subjectOf(clip) });
  } catch (error) {
    if (!isReelwrightError(error, 'IMAGE_UNREACHABLE') || Context.current().info.attempt < IMAGE_ATTEMPTS) throw error;
    throw new ReelwrightError('IMAGE_NOT_FETCHED', error.message, { cause: error });
  }
}

/** Requests to the provider that cost nothing. */
export function createProviderActivities(
  deps: ActivityDeps,
): Omit<ProviderActivities, 'resolvePurchase' | 'reconcileLedger'> {
  const { knex, settings } = deps;
  return {
    fetchImages: createFetchImages(deps),

    /** Takes the generation's row: what is stored is done, what is bought is resumed, else its inputs are prepared. */
    async prepareGeneration({ jobId, subject }) {
      let clip = await requireSubJobOfMany(knex, { jobId, subject });
      const facts = generationFacts(deps, clip);
      if (clip.status === 'stored') {
        return { facts, outcome: { status: 'stored', predictionId: clip.predictionId, ...spentOn(clip) } };
      }
      if (clip.status === 'skipped' && clip.error !== null) {
        return { facts, outcome: { status: 'skipped', error: clip.error, ...spentOn(clip) } };
      }
      // What was cancelled together with a run that is gone may go on in this one.
      if (clip.status === 'cancelled') {
        await moveSubJob(knex, clip, ['cancelled'], { status: 'pending', completed: false });
        clip = await requireSubJobOfMany(knex, { jobId, subject });
      }
      const purchases = await purchasesOfSubJob(knex, clip);
      const [latest] = purchases;
      const next = nextAttempt(purchases);
      if (next.kind === 'spent' && latest !== undefined) throw purchaseEnded(latest);
      if (next.kind === 'open' || latest?.state === 'intended') {
        await withHeartbeat(async () => {
          const signal = Context.current().cancellationSignal;
          await prepareInputs(deps, await withImages(deps, clip, signal), signal);
        });
      }
      const attempt = (latest?.attempt ?? 0) + (next.kind === 'open' ? 1 : 0);
      return { facts: { ...facts, attempt }, outcome: null, polling: settings.polling };
    },

    async pollPrediction({ predictionId, ...generation }) {
      const row = await requirePurchase(deps, generation, predictionId);
      const signal = Context.current().cancellationSignal;
      const { status } = await askProvider(deps, row, predictionId, signal);
      // The provider should have ended it by itself: a generation must not wait for ever because it did not.
      if (!isFinalStatus(status) && (await isLongAgo(knex, row.id, 'known_at', OVERDUE_MS))) {
        deps.logger.error({ ...generation, predictionId }, 'a prediction outlives its Cancel-After and is cancelled');
        await cancelAtProvider(deps, predictionId, signal);
      }
      return { status };
    },

    /** Throws PURCHASE_PENDING until it is known what the provider made of the cancel. */
    async cancelPurchase({ jobId, subject }) {
      const signal = Context.current().cancellationSignal;
      const row = await latestPurchase(knex, jobId, subject);
      if (row === undefined) return { succeeded: null };
      if (row.state === 'intended') {
        if (await withdrawIntent(knex, row.id)) return { succeeded: null };
        throw new ReelwrightError('PURCHASE_PENDING', `${subject} is being bought at this moment`);
      }
      if (row.state === 'posting' || row.state === 'unknown') await findPurchaseAtProvider(deps, row, signal);
      const bought = await latestPurchase(knex, jobId, subject);
      if (bought?.providerId == null) return { succeeded: null };
      if (bought.state === 'known') {
        await cancelAtProvider(deps, bought.providerId, signal);
        const { status } = await askProvider(deps, bought, bought.providerId, signal);
        if (!isFinalStatus(status)) {
          throw new ReelwrightError('PURCHASE_PENDING', `prediction ${bought.providerId} is still ${status}`, {
            retryAfterMs: CANCEL_PAUSE_MS,
          });
        }
        return { succeeded: status === 'succeeded' ? bought.providerId : null };
      }
      return { succeeded: bought.state === 'succeeded' || bought.state === 'stored' ? bought.providerId : null };
    },
  };
}
