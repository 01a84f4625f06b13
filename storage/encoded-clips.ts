/** Clips that were encoded to fit a cut, known by the bytes they came from and by how they were encoded. */
import type { Knex } from 'knex';

export interface EncodedClipKey {
  sourceSha256: string;
  recipeSha256: string;
}

const columns = ({ sourceSha256, recipeSha256 }: EncodedClipKey): Record<string, string> => ({
  source_sha256: sourceSha256,
  recipe_sha256: recipeSha256,
});

/** The blob of a clip that was encoded so before, or undefined. */
export async function findEncodedClip(knex: Knex, key: EncodedClipKey): Promise<string | undefined> {
  const row: { blobId: string } | undefined = await knex('encoded_clips')
    .where(columns(key))
    .first({ blobId: 'blob_id' });
  return row?.blobId;
}

/** Keeps it for the next cut; the first one stands, since equal recipes give equal bytes. */
export async function keepEncodedClip(knex: Knex, key: EncodedClipKey, blobId: string): Promise<void> {
  await knex('encoded_clips')
    .insert({ ...columns(key), blob_id: blobId })
    .onConflict(['source_sha256', 'recipe_sha256'])
    .ignore();
}
