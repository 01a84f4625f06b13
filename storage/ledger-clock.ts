/** Up to when the ledger is known to have all purchases, so that a restored backup is noticed. */
import type { Knex } from 'knex';
import { findPause } from './purchasing.js';

export interface LedgerClock {
  /** The ledger knew all purchases up to here, by the database's clock. */
  at: Date;
  ageMs: number;
  /** How long ago the provider's list was compared with the ledger; null before the first time. */
  comparedAgeMs: number | null;
}

/** The clock, or undefined before the first start of a worker. */
export async function readLedgerClock(knex: Knex): Promise<LedgerClock | undefined> {
  const age = (column: string): Knex.Raw<number> =>
    knex.raw('(extract(epoch FROM now() - ??) * 1000)::double precision', [column]) as Knex.Raw<number>;
  return await knex('ledger_clock').first({ at: 'at', ageMs: age('at'), comparedAgeMs: age('compared_at') });
}

/** Sets the clock to now. What was at the provider before the first time is nobody's, so the lists are compared from there. */
export async function advanceLedgerClock(knex: Knex): Promise<void> {
  await knex.raw(
    `INSERT INTO ledger_clock (at, compared_at) VALUES (now(), now())
     ON CONFLICT (singleton) DO UPDATE SET at = excluded.at`,
  );
}

/** Notes that the provider's list, read since `agoMs` before now, was compared with the ledger. */
export async function recordCompared(knex: Knex, agoMs: number): Promise<void> {
  await knex('ledger_clock').update({ compared_at: knex.raw(`now() - ? * interval '1 millisecond'`, [agoMs]) });
}

/** When the clock is older than this, what was bought since may be missing in the ledger. */
export const BEHIND_AFTER_MS = 10 * 60_000;

/**
 * Why the ledger may lack purchases, or undefined where it has them all. By its pause, or by its clock where another pause
 * is in force or nobody has looked yet.
 */
export async function whyBehind(knex: Knex): Promise<string | undefined> {
  const pause = await findPause(knex);
  if (pause?.code === 'LEDGER_BEHIND') return pause.reason;
  const clock = await readLedgerClock(knex);
  if (clock === undefined || clock.ageMs <= BEHIND_AFTER_MS) return undefined;
  return `${standsStill(clock)}: the reconciler, which a worker runs, matches it`;
}

/** What a clock that is too old means. */
export const standsStill = ({ at }: LedgerClock): string =>
  `the ledger stands at ${at.toISOString()}, and what was bought since may be missing in it`;

/** Who keeps purchasing paused while the ledger may be behind: it is still to be matched, or somebody is to look at it. */
export const PAUSED_BY = { matching: 'ledger', somebody: 'ledger-match' } as const;

/** The match has found what somebody must look at: purchasing stays paused, with this reason. */
export async function recordUnmatched(knex: Knex, reason: string): Promise<void> {
  await knex('purchasing_paused').where({ code: 'LEDGER_BEHIND' }).update({ reason, paused_by: PAUSED_BY.somebody });
}

/** The ledger has all purchases: its clock goes on, and its pause ends. False where purchasing was not paused by it. */
export async function liftLedgerPause(knex: Knex): Promise<boolean> {
  return await knex.transaction(async (trx) => {
    await advanceLedgerClock(trx);
    return (await trx('purchasing_paused').where({ code: 'LEDGER_BEHIND' }).delete()) === 1;
  });
}
