import { randomUUID } from 'node:crypto';
import { createSignedTokens, inSeconds } from './signed-tokens.js';

/** How long a temporary link to an asset holds, in seconds. */
export const ASSET_LINK_SECONDS = 2 * 60 * 60;

export interface AssetLinks {
  /** A token that opens this one asset until it expires. Each token is another one, so a link identifies its use. */
  sign(assetId: string, options?: { expiresInSeconds?: number }): Promise<string>;
  /** Throws UNAUTHENTICATED unless the token is ours, unexpired and made for this asset. */
  verify(token: string, assetId: string): Promise<void>;
}

/** Temporary links to assets as JWTs signed by `secretKey`. */
export function createAssetLinks(secretKey: string): AssetLinks {
  const tokens = createSignedTokens(secretKey, 'asset');
  return {
    sign: (assetId, { expiresInSeconds = ASSET_LINK_SECONDS } = {}) =>
      tokens.sign({ subject: assetId, id: randomUUID(), expiresAt: inSeconds(expiresInSeconds) }),
    async verify(token, assetId) {
      await tokens.verify(token, { subject: assetId });
    },
  };
}
