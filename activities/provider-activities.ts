import { Context } from '@temporalio/activity';
import type { ProviderActivities } from '../domain/activity-contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { isFinalStatus } from '../domain/ledger.js';
import { latestPurchase, withdrawIntent } from '../storage/ledger.js';
import type { ActivityDeps } from './deps.js';
import { purchaseEnded } from './failure-of.js';
import { withHeartbeat } from './heartbeat.js';
import { needsDecision, needsIntent } from './intent.js';
import { prepareInputs } from './prepared-inputs.js';
import { requireClip } from './required-rows.js';
import { findPurchaseAtProvider } from './resolve-purchase.js';
import { askProvider, requirePurchase } from './settle.js';

/** How soon a cancel that the provider has not carried out yet is looked at again. */
const CANCEL_PAUSE_MS = 2_000;

/** Requests to the provider that cost nothing. */
export function createProviderActivities(deps: ActivityDeps): ProviderActivities {
  const { knex, provider, settings } = deps;
  return {
    /** Takes the generation's row: what is stored is done, what is bought is resumed, else its inputs are prepared. */
    async prepareGeneration({ jobId, subject }) {
      const clip = await requireClip(knex, { jobId, subject });
      if (clip.status === 'stored') return { outcome: { status: 'stored', predictionId: clip.predictionId } };
      const latest = await latestPurchase(knex, jobId, subject);
      if (latest !== undefined && needsDecision(latest)) throw purchaseEnded(latest);
      if (needsIntent(latest)) {
        await withHeartbeat(() => prepareInputs(deps, clip, Context.current().cancellationSignal));
      }
      return { outcome: null, polling: settings.polling };
    },

    async pollPrediction({ predictionId, ...generation }) {
      const row = await requirePurchase(deps, generation, predictionId);
      const { status } = await askProvider(deps, row, predictionId, Context.current().cancellationSignal);
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
        await provider.cancel(bought.providerId, { signal });
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
