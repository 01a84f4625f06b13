import type { Knex } from 'knex';

export interface AssetContent {
  blobId: string;
  contentType: string;
}

/** Where an asset's bytes are, whoever owns it: for activities, which act for the owner of the job. */
export async function findAssetContent(knex: Knex, assetId: string): Promise<AssetContent | undefined> {
  return await knex('assets')
    .select({ blobId: 'blob_id', contentType: 'content_type' })
    .where({ id: assetId })
    .whereNotNull('blob_id')
    .first();
}
