import { randomUUID } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { ReelwrightError } from '../domain/errors.js';

/** How long a temporary link to an asset holds, in seconds. */
export const ASSET_LINK_SECONDS = 2 * 60 * 60;
const AUDIENCE = 'asset';
const ALGORITHM = 'HS256';

export interface AssetLinks {
  /** A token that opens this one asset until it expires. Each token is another one, so a link identifies its use. */
  sign(assetId: string, options?: { expiresInSeconds?: number }): Promise<string>;
  /** Throws UNAUTHENTICATED unless the token is ours, unexpired and made for this asset. */
  verify(token: string, assetId: string): Promise<void>;
}

/** Temporary links to assets as JWTs signed by `secretKey` (HS256). */
export function createAssetLinks(secretKey: string): AssetLinks {
  const key = new TextEncoder().encode(secretKey);
  return {
    async sign(assetId, { expiresInSeconds = ASSET_LINK_SECONDS } = {}) {
      return await new SignJWT()
        .setProtectedHeader({ alg: ALGORITHM })
        .setSubject(assetId)
        .setAudience(AUDIENCE)
        .setJti(randomUUID())
        .setExpirationTime(Math.floor(Date.now() / 1000) + expiresInSeconds)
        .sign(key);
    },
    async verify(token, assetId) {
      try {
        await jwtVerify(token, key, { audience: AUDIENCE, subject: assetId, algorithms: [ALGORITHM] });
      } catch (error) {
        if (!(error instanceof errors.JOSEError)) throw error;
        const expired = error instanceof errors.JWTExpired;
        throw new ReelwrightError(
          'UNAUTHENTICATED',
          expired ? 'the token has expired' : 'the token is not one that opens this asset',
        );
      }
    },
  };
}
