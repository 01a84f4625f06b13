import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import type { Page } from './jobs-repository.js';
import { given, listPage } from './list-page.js';

/** In the order of the table's CHECK. */
export const ASSET_TYPES = ['image', 'video', 'audio', 'document'] as const;
export type AssetType = (typeof ASSET_TYPES)[number];

/** An asset's row and the facts of its blob. Sizes are bytes, dimensions pixels as shown (rotation applied). */
export interface AssetRecord {
  id: string;
  ownerId: string;
  clientId: string | null;
  campaignId: string | null;
  blobId: string;
  sha256: string;
  sizeBytes: number;
  type: AssetType;
  name: string;
  contentType: string;
  width: number | null;
  height: number | null;
  durationSeconds: number | null;
  tags: string[];
  createdAt: Date;
}

export interface NewAsset extends Omit<AssetRecord, 'id' | 'sha256' | 'sizeBytes' | 'createdAt'> {
  /** Where it was fetched from; its query may hold a token, so nobody is shown it. */
  sourceUrl?: string;
}

export interface AssetFilter {
  type?: AssetType | undefined;
  clientId?: string | undefined;
  campaignId?: string | undefined;
}

const COLUMNS = {
  id: 'assets.id',
  ownerId: 'owner_id',
  clientId: 'client_id',
  campaignId: 'campaign_id',
  blobId: 'blob_id',
  sha256: 'blobs.sha256',
  sizeBytes: 'blobs.size',
  type: 'type',
  name: 'name',
  contentType: 'assets.content_type',
  width: 'width',
  height: 'height',
  durationSeconds: 'duration_seconds',
  tags: 'tags',
  createdAt: 'assets.created_at',
};

const withBlob = (knex: Knex): Knex.QueryBuilder => knex('assets').join('blobs', 'blobs.id', 'assets.blob_id');

export async function insertAsset(knex: Knex, asset: NewAsset): Promise<AssetRecord> {
  const id = uuidv7();
  await knex('assets').insert({
    id,
    owner_id: asset.ownerId,
    client_id: asset.clientId,
    campaign_id: asset.campaignId,
    blob_id: asset.blobId,
    type: asset.type,
    name: asset.name,
    content_type: asset.contentType,
    width: asset.width,
    height: asset.height,
    duration_seconds: asset.durationSeconds,
    tags: JSON.stringify(asset.tags),
    source_url: asset.sourceUrl ?? null,
  });
  return await withBlob(knex).where('assets.id', id).first(COLUMNS);
}

/** The asset, or undefined when there is none or, where `ownerId` is given, it is another's. */
export async function findAsset(knex: Knex, id: string, ownerId?: string): Promise<AssetRecord | undefined> {
  const query = withBlob(knex).where('assets.id', id).first(COLUMNS);
  return ownerId === undefined ? await query : await query.where({ owner_id: ownerId });
}

/** Those of `ids` that the owner has, in no particular order. */
export async function findAssets(knex: Knex, ownerId: string, ids: readonly string[]): Promise<AssetRecord[]> {
  return await withBlob(knex)
    .where({ owner_id: ownerId })
    .whereIn('assets.id', [...ids])
    .select(COLUMNS);
}

/** The owner's assets, newest first, and how many match in all. */
export async function listAssets(
  knex: Knex,
  ownerId: string,
  filter: AssetFilter,
  page: Page,
): Promise<{ rows: AssetRecord[]; total: number }> {
  return await listPage<AssetRecord>(matchingAssets(knex, ownerId, filter), COLUMNS, page, 'assets');
}

/** All images of a campaign, the oldest first. */
export async function listCampaignImages(knex: Knex, ownerId: string, campaignId: string): Promise<AssetRecord[]> {
  return await matchingAssets(knex, ownerId, { campaignId, type: 'image' })
    .select(COLUMNS)
    .orderBy(['assets.created_at', 'assets.id']);
}

function matchingAssets(knex: Knex, ownerId: string, filter: AssetFilter): Knex.QueryBuilder {
  const { type, clientId, campaignId } = filter;
  return withBlob(knex).where(given({ owner_id: ownerId, type, client_id: clientId, campaign_id: campaignId }));
}
