import type { Knex } from 'knex';
import { PREDICTION_STATES } from '../domain/ledger.js';
import { CLIP_STATES, JOB_STATES } from '../domain/states.js';
import type { MetricName, Sample } from '../telemetry/metrics-table.js';

/** Where a lost purchase may be found again: the column `adopted_from`. */
const FOUND_IN = ['list', 'webhook', 'history'] as const;
const PROVIDER = 'replicate';
/** A scrape is no reason to keep the database busy. */
const LIMIT_MS = 5_000;

interface Counted {
  key: string;
  total: number;
}

interface Facts {
  oldest_waiting: number;
  waiting_for_decision: number;
  unknown: number;
  oldest_unknown: number;
  strays: number;
  strays_open: number;
  paused: number;
  clock_age: number | null;
  not_stored: number;
  oldest_not_stored: number;
  blobs: number;
  blob_bytes: number;
  database_bytes: number;
}

/**
 * The figures of the database, in one transaction that reads and is cancelled after 5 s. Every label that is known
 * beforehand is there, with 0 where nothing has it: an alert on an absent series never fires.
 * @param blobLimitBytes what the store may take; undefined for no limit
 */
export async function readFigures(knex: Knex, blobLimitBytes?: number): Promise<Sample[]> {
  return await knex.transaction(
    async (trx) => {
      await trx.raw(`SET LOCAL statement_timeout = ${LIMIT_MS}`);
      const rows = async <Row>(sql: string): Promise<Row[]> => (await trx.raw<{ rows: Row[] }>(sql)).rows;
      const jobs = await rows<Counted>('SELECT status AS key, count(*) AS total FROM jobs GROUP BY status');
      const clips = await rows<Counted>('SELECT status AS key, count(*) AS total FROM clips GROUP BY status');
      const purchases = await rows<Counted>('SELECT state AS key, count(*) AS total FROM predictions GROUP BY state');
      const failures = await rows<Counted>(FAILURES);
      const spend = await rows<Counted>(SPEND);
      const adoptions = await rows<Counted>(ADOPTIONS);
      const [facts] = await rows<Facts>(FACTS);
      return [
        ...counted('reelwright_jobs', 'stage', JOB_STATES, jobs),
        ...counted('reelwright_clips', 'state', CLIP_STATES, clips),
        ...counted('reelwright_purchases', 'state', PREDICTION_STATES, purchases),
        ...counted('reelwright_adoptions_total', 'found_in', FOUND_IN, adoptions),
        ...failures.map(({ key, total }) => sample('reelwright_purchase_failures_total', total, { code: key })),
        ...spend.map(({ key, total }) =>
          sample('reelwright_spend_usd_total', total, { provider: PROVIDER, model: key }),
        ),
        ...(facts === undefined ? [] : single(facts)),
        ...(blobLimitBytes === undefined ? [] : [sample('reelwright_blob_limit_bytes', blobLimitBytes)]),
      ];
    },
    { readOnly: true },
  );
}

const FAILURES = `
  SELECT coalesce(error->>'code', 'OTHER') AS key, count(*) AS total
  FROM predictions WHERE state IN ('failed', 'aborted') GROUP BY 1`;

const SPEND = `
  SELECT model AS key, sum(cost_usd) AS total
  FROM (SELECT model, cost_usd FROM predictions UNION ALL SELECT model, cost_usd FROM strays) AS bought
  WHERE cost_usd IS NOT NULL GROUP BY model`;

const ADOPTIONS = `
  SELECT adopted_from AS key, count(*) AS total FROM predictions WHERE adopted_from IS NOT NULL GROUP BY 1`;

const seconds = (since: string): string => `extract(epoch FROM now() - ${since})::double precision`;
const oldest = (since: string): string => `coalesce(greatest(${seconds(`min(${since})`)}, 0), 0)`;

/** A clip has waited since its run was handed over, or since it began; a run that nobody has started yet waits as well. */
const FACTS = `
  SELECT
    waiting.age AS oldest_waiting, attention.total AS waiting_for_decision,
    lost.total AS unknown, lost.age AS oldest_unknown,
    strays.total AS strays, strays.open AS strays_open,
    (SELECT count(*) FROM purchasing_paused) AS paused,
    (SELECT ${seconds('at')} FROM ledger_clock) AS clock_age,
    owed.total AS not_stored, owed.age AS oldest_not_stored,
    stored.total AS blobs, stored.bytes AS blob_bytes,
    pg_database_size(current_database()) AS database_bytes
  FROM
    (SELECT ${oldest(`CASE c.status WHEN 'pending' THEN coalesce(j.run_started_at, j.updated_at)
        ELSE coalesce(c.started_at, j.run_started_at, j.updated_at) END`)} AS age
      FROM clips c JOIN jobs j ON j.id = c.job_id
      WHERE j.status IN ('queued', 'planning', 'generating', 'needs_attention', 'composing')
        AND c.status IN ('pending', 'generating', 'storing')) AS waiting,
    (SELECT count(*) AS total FROM clips WHERE status = 'needs_attention') AS attention,
    (SELECT count(*) AS total, ${oldest('coalesce(posted_at, created_at)')} AS age
      FROM predictions WHERE state = 'unknown') AS lost,
    (SELECT count(*) AS total, count(*) FILTER (WHERE settled_at IS NULL) AS open FROM strays) AS strays,
    (SELECT count(*) AS total, ${oldest('settled_at')} AS age
      FROM predictions WHERE state = 'succeeded' AND error IS NULL) AS owed,
    (SELECT count(*) AS total, coalesce(sum(size), 0)::bigint AS bytes FROM blobs) AS stored`;

const sample = (metric: MetricName, value: number, labels?: Record<string, string>): Sample => ({
  metric,
  value,
  ...(labels && { labels }),
});

function counted(metric: MetricName, label: string, keys: readonly string[], rows: readonly Counted[]): Sample[] {
  const totals = new Map(rows.map(({ key, total }) => [key, total]));
  return keys.map((key) => sample(metric, totals.get(key) ?? 0, { [label]: key }));
}

function single(facts: Facts): Sample[] {
  return [
    sample('reelwright_oldest_waiting_clip_seconds', facts.oldest_waiting),
    sample('reelwright_clips_waiting_for_decision', facts.waiting_for_decision),
    sample('reelwright_purchases_unknown', facts.unknown),
    sample('reelwright_oldest_unknown_purchase_seconds', facts.oldest_unknown),
    sample('reelwright_strays_total', facts.strays),
    sample('reelwright_strays_open', facts.strays_open),
    sample('reelwright_purchasing_paused', facts.paused),
    ...(facts.clock_age === null ? [] : [sample('reelwright_ledger_clock_age_seconds', facts.clock_age)]),
    sample('reelwright_outputs_not_stored', facts.not_stored),
    sample('reelwright_oldest_output_not_stored_seconds', facts.oldest_not_stored),
    sample('reelwright_blobs', facts.blobs),
    sample('reelwright_blob_bytes', facts.blob_bytes),
    sample('reelwright_database_size_bytes', facts.database_bytes),
  ];
}
