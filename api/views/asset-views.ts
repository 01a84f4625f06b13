import { ASSET_LINK_SECONDS, type AssetLinks } from '../../storage/asset-links.js';
import type { AssetRecord } from '../../storage/assets-repository.js';
import { API_PREFIX } from '../route.js';
import type { AssetJson, AssetWithLinkJson } from '../schemas/assets.schema.js';

export const assetView = (asset: AssetRecord): AssetJson => ({
  id: asset.id,
  type: asset.type,
  name: asset.name,
  contentType: asset.contentType,
  sizeBytes: asset.sizeBytes,
  sha256: asset.sha256,
  width: asset.width,
  height: asset.height,
  durationSeconds: asset.durationSeconds,
  tags: asset.tags,
  clientId: asset.clientId,
  campaignId: asset.campaignId,
  url: dataPath(asset.id),
  createdAt: asset.createdAt.toISOString(),
});

/** The asset with a link that opens its bytes without a key, for `ASSET_LINK_SECONDS` from `now`. */
export async function assetWithLinkView(asset: AssetRecord, links: AssetLinks, now: Date): Promise<AssetWithLinkJson> {
  const token = await links.sign(asset.id);
  // A token counts whole seconds.
  const seconds = Math.floor(now.getTime() / 1000) + ASSET_LINK_SECONDS;
  return {
    ...assetView(asset),
    temporaryUrl: `${dataPath(asset.id)}?token=${token}`,
    temporaryUrlExpiresAt: new Date(seconds * 1000).toISOString(),
  };
}

const dataPath = (assetId: string): string => `${API_PREFIX}/assets/${assetId}/data`;
