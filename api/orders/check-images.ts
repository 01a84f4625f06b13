/** Whether the images that a request names can be used: assets of the caller, addresses in public reach. */
import type { Knex } from 'knex';
import type { ImageReference } from '../../domain/contract.js';
import { isReelwrightError, ReelwrightError } from '../../domain/errors.js';
import { findAssets } from '../../storage/assets-repository.js';
import type { ClipsOrder } from '../../storage/plan-clips.js';
import type { ApiDeps } from '../deps.js';
import { assetNotFound } from '../references.js';
import { invalidField } from '../validation.js';

/** An image, and the dotted path under which the request names it. */
export interface NamedImage {
  path: string;
  image: ImageReference;
}

const ADDRESS_CHECK_MS = 10_000;

/** The images of a clip or of changes to one; `prefix` is what stands before the field in the request. */
export function namedImages(
  { firstImage, lastImage }: Partial<Record<'firstImage' | 'lastImage', ImageReference | undefined>>,
  prefix = '',
): NamedImage[] {
  return [
    ...(firstImage === undefined ? [] : [{ path: `${prefix}firstImage`, image: firstImage }]),
    ...(lastImage === undefined ? [] : [{ path: `${prefix}lastImage`, image: lastImage }]),
  ];
}

/** Every image that the order names. */
export const orderedImages = (order: ClipsOrder): NamedImage[] =>
  order.clips.flatMap((clip, index) => namedImages(clip, `clips.${index}.`));

/** Throws ASSET_NOT_FOUND, or VALIDATION_FAILED for an asset that is no image, by the path of the image's `assetId`. */
export async function checkAssets(knex: Knex, ownerId: string, images: readonly NamedImage[]): Promise<void> {
  const assets = images.flatMap(({ path, image }) =>
    'assetId' in image ? [{ path: `${path}.assetId`, assetId: image.assetId }] : [],
  );
  if (assets.length === 0) return;
  const ids = [...new Set(assets.map(({ assetId }) => assetId))];
  const types = new Map((await findAssets(knex, ownerId, ids)).map((asset) => [asset.id, asset.type]));
  for (const { path, assetId } of assets) {
    const type = types.get(assetId);
    if (type === undefined) throw assetNotFound(path, assetId);
    if (type !== 'image') throw invalidField(path, 'an image', `an asset of type ${type}`);
  }
}

/**
 * Throws URL_REFUSED by the path of the image's `url`; nothing is fetched. One name after the other, since a lookup
 * holds one of the process's few threads for such work, and within `addressCheckMs` in all.
 */
export async function checkAddresses(
  { addressGuard, config }: Pick<ApiDeps, 'addressGuard' | 'config'>,
  images: readonly NamedImage[],
): Promise<void> {
  const deadline = performance.now() + (config.addressCheckMs ?? ADDRESS_CHECK_MS);
  const known = new Set<string>();
  for (const { path, image } of images) {
    if (!('url' in image)) continue;
    try {
      const { host } = addressGuard.parseAddress(image.url);
      if (known.has(host)) continue;
      await addressGuard.checkAddress(image.url, { timeLimitMs: Math.max(0, deadline - performance.now()) });
      known.add(host);
    } catch (error) {
      throw isReelwrightError(error, 'URL_REFUSED') ? atPath(error, `${path}.url`) : error;
    }
  }
}

const atPath = (error: ReelwrightError, path: string): ReelwrightError =>
  new ReelwrightError(error.code, `${path}: ${error.message}`, { details: { path, ...error.details } });
