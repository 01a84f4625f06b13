import type { Knex } from 'knex';
import type { Page } from './jobs-repository.js';

/** One page of the matching rows, newest first, and how many match in all. `table` has `created_at` and `id`. */
export async function listPage<Row>(
  matching: Knex.QueryBuilder,
  columns: Record<string, string>,
  { page, limit }: Page,
  table: string,
): Promise<{ rows: Row[]; total: number }> {
  const counted: { total: number } | undefined = await matching.clone().count({ total: '*' }).first();
  const rows: Row[] = await matching
    .clone()
    .select(columns)
    .orderBy([
      { column: `${table}.created_at`, order: 'desc' },
      { column: `${table}.id`, order: 'desc' },
    ])
    .limit(limit)
    .offset((page - 1) * limit);
  return { rows, total: Number(counted?.total ?? 0) };
}

/** The conditions that are given: an undefined one would otherwise fail the query. */
export const given = (conditions: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(conditions).filter(([, value]) => value !== undefined));
