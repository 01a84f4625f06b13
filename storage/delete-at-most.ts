import type { Knex } from 'knex';

/** Which rows of a table go. SQL of our own, in which the row is `x`; what is given from outside is in `values`. */
export interface Deletion {
  table: string;
  where: string;
  values: Record<string, unknown>;
  orderBy?: string;
}

/**
 * Deletes at most `limit` of the rows, and gives how many went. Rows that somebody else is at are left to the next time:
 * waiting for them could be waiting for each other.
 */
export async function deleteAtMost(
  knex: Knex,
  limit: number,
  { table, where, values, orderBy }: Deletion,
): Promise<number> {
  const order = orderBy === undefined ? '' : `ORDER BY ${orderBy}`;
  const { rowCount } = await knex.raw<{ rowCount: number }>(
    `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
       SELECT x.ctid FROM ${table} x WHERE (${where}) ${order} LIMIT :limit FOR UPDATE SKIP LOCKED))`,
    { ...values, limit } as never,
  );
  return rowCount;
}
