/** Whether anything may be bought at all: one row while purchasing is paused, for every worker and api alike. */
import type { Knex } from 'knex';
import type { ErrorCode } from '../domain/errors.js';

export interface PurchasingPause {
  code: ErrorCode;
  reason: string;
  /** `provider`, `ledger`, or who did it by hand. */
  pausedBy: string;
  pausedAt: Date;
  /** From when one purchase may try whether the account is in order again; null: a person decides. */
  probeAt: Date | null;
  /** How many probes were refused. */
  probes: number;
}

export interface NewPause {
  code: ErrorCode;
  reason: string;
  pausedBy: string;
  /** Milliseconds until a purchase may probe; null: a person decides. */
  probeAfterMs: number | null;
}

const COLUMNS = {
  code: 'code',
  reason: 'reason',
  pausedBy: 'paused_by',
  pausedAt: 'paused_at',
  probeAt: 'probe_at',
  probes: 'probes',
};

/** The pause in force, or undefined while purchasing goes on. */
export async function findPause(knex: Knex): Promise<PurchasingPause | undefined> {
  return await knex('purchasing_paused').first(COLUMNS);
}

const inMs = (knex: Knex, ms: number | null): Knex.Raw | null =>
  ms === null ? null : knex.raw(`now() + ? * interval '1 millisecond'`, [ms]);

/**
 * Pauses purchasing. A pause that is in force keeps its time; a person's word, or one for which no probe will do, takes
 * the place of one that a probe may lift, and never the other way round.
 */
export async function pausePurchasing(knex: Knex, pause: NewPause): Promise<void> {
  await knex.raw(
    `INSERT INTO purchasing_paused (code, reason, paused_by, probe_at) VALUES (:code, :reason, :pausedBy, :probeAt)
     ON CONFLICT (singleton) DO UPDATE
       SET code = excluded.code, reason = excluded.reason, paused_by = excluded.paused_by, probe_at = excluded.probe_at
       WHERE purchasing_paused.probe_at IS NOT NULL`,
    {
      code: pause.code,
      reason: pause.reason,
      pausedBy: pause.pausedBy,
      probeAt: inMs(knex, pause.probeAfterMs),
    } as never,
  );
}

/** Gives one caller the right to probe, when it is time; where nothing comes of it, the next may follow `againAfterMs` later. */
export async function claimProbe(knex: Knex, againAfterMs: number): Promise<boolean> {
  const claimed = await knex('purchasing_paused')
    .whereRaw('probe_at <= now()')
    .update({ probe_at: inMs(knex, againAfterMs) });
  return claimed === 1;
}

/** Counts a probe that the provider refused; the next may follow `againAfterMs` later. */
export async function countRefusedProbe(knex: Knex, againAfterMs: number): Promise<void> {
  await knex('purchasing_paused')
    .whereNotNull('probe_at')
    .update({ probe_at: inMs(knex, againAfterMs), probes: knex.raw('probes + 1') });
}

/** Ends the pause and says whether there was one. `only`: just such a pause as a probe may lift. */
export async function resumePurchasing(knex: Knex, { onlyProbed = false } = {}): Promise<boolean> {
  return (await knex('purchasing_paused').whereRaw('(? OR probe_at IS NOT NULL)', [!onlyProbed]).delete()) > 0;
}
