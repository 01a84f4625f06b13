import type { Knex } from 'knex';

/** Which rows are taken: a table with `id` and `looked_at`, and what of it is given back. */
export interface Started {
  table: 'jobs' | 'renditions' | 'batches';
  /** When Temporal took them. */
  startedAt: 'run_started_at' | 'started_at';
  open: readonly string[];
  columns: readonly string[];
}

/**
 * Open rows that were handed to Temporal at least `olderThanMs` ago, at most `limit` of them: those that were looked at the
 * longest ago. They count as looked at now.
 */
export async function takeStarted<Row>(
  knex: Knex,
  { table, startedAt, open, columns }: Started,
  olderThanMs: number,
  limit: number,
): Promise<Row[]> {
  const next = knex(table)
    .select('id')
    .whereIn('status', [...open])
    .whereRaw(`?? <= now() - ? * interval '1 millisecond'`, [startedAt, olderThanMs])
    .orderByRaw('looked_at NULLS FIRST, id')
    .limit(limit);
  const rows: unknown[] = await knex(table)
    .whereIn('id', next)
    .update({ looked_at: knex.fn.now() })
    .returning([...columns]);
  return rows as Row[];
}
