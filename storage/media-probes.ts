/** What media say of themselves, known by their bytes and by the kind of probe that asked them. */
import type { Knex } from 'knex';
import { deleteAtMost } from './delete-at-most.js';

export interface MediaProbeKey {
  sha256: string;
  version: number;
}

/** The probes that are kept of these contents in this version, by their hashes. */
export async function findMediaProbes(
  knex: Knex,
  version: number,
  hashes: readonly string[],
): Promise<Map<string, object>> {
  const rows: { sha256: string; probe: object }[] = await knex('media_probes')
    .where({ version })
    .whereIn('sha256', [...hashes])
    .select('sha256', 'probe');
  return new Map(rows.map(({ sha256, probe }) => [sha256, probe]));
}

/** Keeps a probe; the first one stands, since equal bytes say the same. */
export async function keepMediaProbe(knex: Knex, { sha256, version }: MediaProbeKey, probe: object): Promise<void> {
  await knex('media_probes')
    .insert({ sha256, version, probe: JSON.stringify(probe) })
    .onConflict(['sha256', 'version'])
    .ignore();
}

/** Lets go of probes that are as old as `olderThanMs` and whose bytes are gone: at most `limit`, and gives how many went. */
export async function dropMediaProbes(
  knex: Knex,
  { olderThanMs, limit }: { olderThanMs: number; limit: number },
): Promise<number> {
  return await deleteAtMost(knex, limit, {
    table: 'media_probes',
    where: `x.created_at <= now() - :olderThanMs * interval '1 millisecond'
      AND NOT EXISTS (SELECT FROM blobs b WHERE b.sha256 = x.sha256)`,
    values: { olderThanMs },
  });
}
