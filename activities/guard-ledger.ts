/** A database restored from a backup has forgotten purchases: until it is matched with the provider nothing is bought. */

import type { Knex } from 'knex';
import type { Logger } from '../config/logger.js';
import {
  advanceLedgerClock,
  liftLedgerPause,
  PAUSED_BY,
  readLedgerClock,
  recordUnmatched,
  standsStill,
} from '../storage/ledger-clock.js';
import { findPause, pausePurchasing } from '../storage/purchasing.js';
import { matchLedger } from './match-ledger.js';
import type { ReconcileDeps, ReconcileSettings } from './reconcile-deps.js';

/**
 * Pauses purchasing when the ledger's clock is more than `behindAfterMs` old, and says whether the ledger may be behind.
 * The very first time there is no clock, and nothing to be behind of: it is set. Asks the database alone.
 */
export async function pauseIfBehind(
  { knex, logger }: { knex: Knex; logger: Logger },
  behindAfterMs: number,
): Promise<boolean> {
  const clock = await readLedgerClock(knex);
  if (clock === undefined) {
    await advanceLedgerClock(knex);
    return false;
  }
  if (clock.ageMs <= behindAfterMs) return (await findPause(knex))?.code === 'LEDGER_BEHIND';
  const reason = `${standsStill(clock)}; it is being matched`;
  await pausePurchasing(knex, { code: 'LEDGER_BEHIND', reason, pausedBy: PAUSED_BY.matching, probeAfterMs: null });
  logger.warn(
    { at: clock.at.toISOString(), ageMs: clock.ageMs },
    'the ledger may be behind: purchasing is paused until it is matched',
  );
  return true;
}

/**
 * Sets the ledger's clock to now where it is known to have all purchases. Where it may be behind it is matched first:
 * with nothing missing, purchasing goes on; else it stays paused, and a person runs `npm run reconcile`. Resolves with
 * whether the ledger is in order. Throws where the provider or Temporal cannot be asked: then nothing has changed, and
 * the next call tries again.
 */
export async function guardLedger(
  deps: Pick<ReconcileDeps, 'knex' | 'provider' | 'histories' | 'logger'>,
  { behindAfterMs }: Pick<ReconcileSettings, 'behindAfterMs'>,
  signal: AbortSignal,
): Promise<boolean> {
  const { knex, logger } = deps;
  if (!(await pauseIfBehind(deps, behindAfterMs))) {
    await advanceLedgerClock(knex);
    return true;
  }
  const clock = await readLedgerClock(knex);
  if (clock === undefined || (await findPause(knex))?.pausedBy === PAUSED_BY.somebody) return false;
  const findings = await matchLedger(deps, { since: clock.at, repair: false }, signal);
  // Whose lost answer was found is a purchase that the ledger has.
  const missing = findings.filter(({ what }) => what !== 'adopted');
  if (missing.length === 0) {
    await liftLedgerPause(knex);
    logger.warn({ adopted: findings.length }, 'the ledger has all purchases: purchasing goes on');
    return true;
  }
  const since = clock.at.toISOString();
  const reason =
    `since ${since} the provider has made ${missing.length} predictions that the ledger did not know: ` +
    `run npm run reconcile -- --since ${since}`;
  await recordUnmatched(knex, reason);
  logger.error({ since, missing: missing.map(({ prediction, what }) => ({ id: prediction.id, what })) }, reason);
  return false;
}
