/** Clips that were encoded to fit a cut, known by the bytes they came from and by how they were encoded. */
import type { Knex } from 'knex';
import { deleteAtMost } from './delete-at-most.js';

export interface EncodedClipKey {
  sourceSha256: string;
  recipeSha256: string;
}

const columns = ({ sourceSha256, recipeSha256 }: EncodedClipKey): Record<string, string> => ({
  source_sha256: sourceSha256,
  recipe_sha256: recipeSha256,
});

/** The blob of a clip that was encoded so before, or undefined. It counts as used now. */
export async function findEncodedClip(knex: Knex, key: EncodedClipKey): Promise<string | undefined> {
  const [row] = await knex('encoded_clips')
    .where(columns(key))
    .update({ last_used_at: knex.fn.now() })
    .returning<{ blob_id: string }[]>('blob_id' as never);
  return row?.blob_id;
}

/**
 * Keeps it for the next cut; the first one stands, since equal recipes give equal bytes. `sourceHashes` are those of all
 * clips that it was made of.
 */
export async function keepEncodedClip(
  knex: Knex,
  key: EncodedClipKey,
  { blobId, sourceHashes }: { blobId: string; sourceHashes: readonly string[] },
): Promise<void> {
  await knex('encoded_clips')
    .insert({ ...columns(key), blob_id: blobId, source_hashes: [...sourceHashes] })
    .onConflict(['source_sha256', 'recipe_sha256'])
    .merge({ last_used_at: knex.fn.now() });
}

/**
 * Lets go of what was not used for so many days, and of what was made of a clip whose bytes are gone: at most `limit`, and
 * gives how many went.
 */
export async function dropEncodedClips(
  knex: Knex,
  { unusedDays, limit }: { unusedDays: number; limit: number },
): Promise<number> {
  return await deleteAtMost(knex, limit, {
    table: 'encoded_clips',
    where: `x.last_used_at <= now() - :unusedDays * interval '1 day'
      OR EXISTS (SELECT FROM unnest(x.source_hashes) AS source (sha256)
        WHERE NOT EXISTS (SELECT FROM blobs b WHERE b.sha256 = source.sha256))`,
    values: { unusedDays },
  });
}
