import { Context } from '@temporalio/activity';
import type { ProviderActivities } from '../domain/activity-contract.js';
import { compareLists } from './compare-lists.js';
import { endAbandonedJobs } from './end-abandoned-jobs.js';
import { endAbandonedRenditions } from './end-renditions.js';
import { guardLedger } from './guard-ledger.js';
import { withHeartbeat } from './heartbeat.js';
import { endAbandonedBatches } from './owed-batches.js';
import { RECONCILE_SETTINGS, type ReconcileDeps, type ReconcileSettings } from './reconcile-deps.js';
import { settleOwedPurchases } from './settle-owed.js';
import { settleOpenStrays } from './strays.js';

/**
 * One run over everything that neither the api nor a running workflow mends. Each rule has its turn, whatever became of
 * the others; the first failure is thrown in the end, so that the run shows it.
 */
export function createReconcile(
  deps: ReconcileDeps,
  settings: ReconcileSettings = RECONCILE_SETTINGS,
): ProviderActivities['reconcileLedger'] {
  return () =>
    withHeartbeat(async () => {
      const signal = Context.current().cancellationSignal;
      const failures: unknown[] = [];
      const rule = async <Result>(name: string, run: () => Promise<Result>): Promise<Result | undefined> => {
        try {
          return await run();
        } catch (error) {
          signal.throwIfAborted();
          deps.logger.error({ err: error, rule: name }, 'a rule of the reconciler failed');
          failures.push(error);
          return undefined;
        }
      };

      const inOrder = await rule('guard', () => guardLedger(deps, settings, signal));
      const ended = await rule('jobs', () => endAbandonedJobs(deps, settings));
      const renditions = await rule('renditions', () => endAbandonedRenditions(deps, settings));
      const batches = await rule('batches', () => endAbandonedBatches(deps, settings));
      const settling = await rule('purchases', () => settleOwedPurchases(deps, settings));
      await rule('open strays', () => settleOpenStrays(deps, settings.atOnce, signal));
      // What a ledger that is behind does not know may be a purchase that it has forgotten.
      const strays = inOrder === true ? await rule('lists', () => compareLists(deps, settings, signal)) : undefined;
      if (failures.length > 0) throw failures[0];
      return {
        ended: (ended ?? 0) + (renditions ?? 0) + (batches ?? 0),
        settling: settling ?? 0,
        ...(strays === undefined ? {} : { strays }),
      };
    });
}
