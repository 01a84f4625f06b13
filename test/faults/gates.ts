/**
 * Holds the product at one exact transition of the ledger, from outside: a deferred trigger of the harness makes the
 * COMMIT of that transition wait for an advisory lock. All of the transaction is done by then, and none of it counts
 * yet. Whoever is held can be killed there, and its transaction be rolled back or let go.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PredictionState } from '../../domain/ledger.js';
import type { Sql } from './sql.js';

/** First half of the keys of all our advisory locks; the product uses the form with one number. */
const LOCKS = 81_706;
const LOOK_EVERY_MS = 20;
const TERMINATE_LIMIT_MS = 5_000;

const INSTALL = `
  CREATE SCHEMA gates;
  CREATE TABLE gates.armed (
    key integer PRIMARY KEY,
    from_state text,
    to_state text NOT NULL,
    prompt text NOT NULL
  );
  CREATE FUNCTION gates.pass() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      before text;
      gate integer;
    BEGIN
      IF TG_OP = 'UPDATE' THEN before := OLD.state; END IF;
      SELECT armed.key INTO gate FROM gates.armed JOIN public.clips c ON position(armed.prompt IN c.prompt) > 0
        WHERE c.job_id = NEW.job_id AND NEW.subject = 'clip:' || c.number
          AND armed.from_state IS NOT DISTINCT FROM before AND armed.to_state = NEW.state
        LIMIT 1;
      IF gate IS NOT NULL THEN PERFORM pg_advisory_xact_lock_shared(${LOCKS}, gate); END IF;
      RETURN NULL;
    END $$;
  CREATE CONSTRAINT TRIGGER gates_insert AFTER INSERT ON public.predictions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gates.pass();
  CREATE CONSTRAINT TRIGGER gates_update AFTER UPDATE ON public.predictions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION gates.pass()
`;

/** A transition of the ledger; from null is the insert. */
export interface Transition {
  from: PredictionState | null;
  to: PredictionState;
}

/** A connection that is held, and whose it is: the name that it gave to the database. */
export interface Held {
  backend: number;
  application: string;
}

export interface Gate {
  /** Waits until somebody is held; throws when nobody is within the limit. */
  caught(limitMs: number): Promise<Held>;
  /** Rolls back the transactions that are held. The gate is no more. */
  rollBack(): Promise<void>;
  /** Lets the transactions that are held commit, even those whose process is dead. The gate is no more. */
  letGo(): Promise<void>;
}

/** Makes the gates possible in this database. Once per database. */
export async function installGates(sql: Sql): Promise<void> {
  await sql.query(INSTALL);
}

let lastKey = 0;

/** Holds the next transition of a clip whose prompt contains the text; each gate keeps one connection of its own. */
export async function armGate(sql: Sql, { from, to }: Transition, prompt: string): Promise<Gate> {
  lastKey += 1;
  const key = lastKey;
  // A lock of the session: should the database die, it is gone, and nothing is held any more.
  const lock = await sql.connect();
  await lock.query('SELECT pg_advisory_lock($1, $2)', [LOCKS, key]);
  await sql.query('INSERT INTO gates.armed VALUES ($1, $2, $3, $4)', [key, from, to, prompt]);

  const held = async (): Promise<Held[]> =>
    await sql.query<Held>(
      `SELECT l.pid AS backend, a.application_name AS application FROM pg_locks l JOIN pg_stat_activity a USING (pid)
       WHERE l.locktype = 'advisory' AND NOT l.granted AND l.classid = $1 AND l.objid = $2`,
      [LOCKS, key],
    );
  /** After this nobody new is held. */
  const disarm = async (): Promise<void> => {
    await sql.query('DELETE FROM gates.armed WHERE key = $1', [key]);
  };
  return {
    async caught(limitMs) {
      for (const end = performance.now() + limitMs; performance.now() < end; await sleep(LOOK_EVERY_MS)) {
        const [first] = await held();
        if (first !== undefined) return first;
      }
      await disarm();
      await lock.end();
      throw new Error(`nobody took the ledger from ${from ?? 'nothing'} to ${to} for "${prompt}" in ${limitMs} ms`);
    },
    async rollBack() {
      await disarm();
      for (const { backend } of await held()) {
        await sql.query('SELECT pg_terminate_backend($1, $2)', [backend, TERMINATE_LIMIT_MS]);
      }
      await lock.end();
    },
    async letGo() {
      await disarm();
      await lock.end();
    },
  };
}
