/** Trouble with the account pauses every purchase, and one purchase at a time finds out when it is over. */
import { ReelwrightError } from '../domain/errors.js';
import type { LedgerRow } from '../storage/ledger.js';
import {
  claimProbe,
  countRefusedProbe,
  findPause,
  type PurchasingPause,
  pausePurchasing,
  resumePurchasing,
} from '../storage/purchasing.js';
import type { ActivityDeps } from './deps.js';

type Deps = Pick<ActivityDeps, 'knex' | 'settings' | 'logger'>;

/** Throws PURCHASING_PAUSED while purchasing is paused and no purchase may try yet whether it still has to be. */
export async function refuseWhilePaused({ knex, settings }: Pick<Deps, 'knex' | 'settings'>): Promise<void> {
  const pause = await findPause(knex);
  if (pause === undefined || isProbeDue(pause)) return;
  throw pausedBy(pause, settings);
}

/**
 * Of a purchase that got no right to post: false where purchasing goes on, true for the one purchase that may now try
 * whether the account is in order again. Throws PURCHASING_PAUSED for all others. The right is taken this late so that no
 * purchase takes it and then has nothing to post.
 */
export async function isProbe({ knex, settings }: Deps): Promise<boolean> {
  const pause = await findPause(knex);
  if (pause === undefined) return false;
  if (pause.probeAt !== null && (await claimProbe(knex, settings.probeAfterMs))) return true;
  throw pausedBy(pause, settings);
}

/**
 * 401, 402 and 403 say something about the account and nothing about the clip: nobody buys until it is in order. Where a
 * probe was answered so, the next one comes later than that one did.
 */
export async function pauseForAccount(
  { knex, settings, logger }: Deps,
  { code, message: reason }: ReelwrightError,
  { probing }: { probing: boolean },
): Promise<void> {
  const pause = probing ? await findPause(knex) : undefined;
  if (pause === undefined) {
    await pausePurchasing(knex, { code, reason, pausedBy: 'provider', probeAfterMs: settings.probeAfterMs });
    logger.error({ code, reason }, 'purchasing paused');
    return;
  }
  const doubled = settings.probeAfterMs * 2 ** Math.min(pause.probes + 1, 16);
  await countRefusedProbe(knex, Math.min(doubled, settings.probeMaxMs));
}

/** The probe was bought: the account is in order again. */
export async function liftPause({ knex, logger }: Deps): Promise<void> {
  if (await resumePurchasing(knex, { onlyProbed: true })) logger.warn('purchasing goes on: a probe was bought');
}

/** The same where the answer to the probe was lost and its prediction was found. */
export async function liftPauseBefore(deps: Deps, { postedAt }: LedgerRow): Promise<void> {
  const pause = await findPause(deps.knex);
  if (pause !== undefined && postedAt !== null && postedAt > pause.pausedAt) await liftPause(deps);
}

/** By the clock of this process: it only spares the database a question, since the right itself is given by its clock. */
const isProbeDue = ({ probeAt }: PurchasingPause): boolean => probeAt !== null && probeAt.getTime() <= Date.now();

const pausedBy = (pause: PurchasingPause, { pausedPauseMs }: ActivityDeps['settings']): ReelwrightError =>
  new ReelwrightError('PURCHASING_PAUSED', `purchasing is paused by ${pause.pausedBy}: ${pause.reason}`, {
    details: { code: pause.code, pausedBy: pause.pausedBy, pausedAt: pause.pausedAt.toISOString() },
    retryAfterMs: pausedPauseMs,
  });
