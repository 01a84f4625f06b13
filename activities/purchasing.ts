/** Trouble with the account pauses every purchase, and one purchase at a time finds out when it is over. */
import type { ReelwrightError } from '../domain/errors.js';
import { ReelwrightError as Failure } from '../domain/errors.js';
import { claimProbe, findPause, pausePurchasing, resumePurchasing } from '../storage/purchasing.js';
import type { ActivityDeps } from './deps.js';

type Deps = Pick<ActivityDeps, 'knex' | 'settings' | 'logger'>;

/**
 * Throws PURCHASING_PAUSED while purchasing is paused, except for the one purchase that may now try whether it still
 * has to be: for that one it resolves with true.
 */
export async function passPause({ knex, settings }: Deps): Promise<boolean> {
  const pause = await findPause(knex);
  if (pause === undefined) return false;
  const again = Math.min(settings.probeAfterMs * 2 ** Math.min(pause.probes, 16), settings.probeMaxMs);
  if (pause.probeAt !== null && (await claimProbe(knex, again))) return true;
  throw new Failure('PURCHASING_PAUSED', `purchasing is paused by ${pause.pausedBy}: ${pause.reason}`, {
    details: { code: pause.code, pausedBy: pause.pausedBy, pausedAt: pause.pausedAt.toISOString() },
    retryAfterMs: settings.pausedPauseMs,
  });
}

/** 401, 402 and 403 say something about the account and nothing about the clip: nobody buys until it is in order. */
export async function pauseForAccount({ knex, settings, logger }: Deps, error: ReelwrightError): Promise<void> {
  await pausePurchasing(knex, {
    code: error.code,
    reason: error.message,
    pausedBy: 'provider',
    probeAfterMs: settings.probeAfterMs,
  });
  logger.error({ code: error.code, reason: error.message }, 'purchasing paused');
}

/** The probe was bought: the account is in order again. */
export async function liftPause({ knex, logger }: Deps): Promise<void> {
  if (await resumePurchasing(knex, { onlyProbed: true })) logger.warn('purchasing goes on: a probe was bought');
}
