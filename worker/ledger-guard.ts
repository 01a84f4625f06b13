import type { Knex } from 'knex';
import { pauseIfBehind } from '../activities/guard-ledger.js';
import { RECONCILE_SETTINGS } from '../activities/reconcile-deps.js';
import type { Logger } from '../config/logger.js';

/**
 * At a worker's start, before it takes a purchase: pauses purchasing where the ledger's clock has stood still, so that
 * nothing is bought twice by a database that was restored from a backup. It asks the database alone. The reconciler's
 * next run, which the start triggers, matches ledger, list and histories and lifts the pause where nothing is missing;
 * while the provider or Temporal cannot be asked it stays, and each run, every 30 s, tries again.
 */
export async function guardLedgerAtStart(
  deps: { knex: Knex; logger: Logger },
  { behindAfterMs }: { behindAfterMs: number } = RECONCILE_SETTINGS,
): Promise<void> {
  await pauseIfBehind(deps, behindAfterMs);
}
