import type { Knex } from 'knex';
import type { ClipChanges, ImageReference } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { settingsProblems, videoModel } from '../domain/models.js';
import { findAssets } from './assets-repository.js';
import { type ClipRecord, moveClip } from './clips-repository.js';
import { requireAssetsKept } from './delete-asset.js';
import type { JobRow } from './jobs-repository.js';

/**
 * Changes what a clip is made of before another attempt. Throws VALIDATION_FAILED for what its model does not make or
 * an asset that is no image, ASSET_NOT_FOUND for one that is not the job's owner's; both name the field in
 * `details.path`. Addresses are to be checked before.
 */
export async function changeClip(trx: Knex, job: JobRow, clip: ClipRecord, changes: ClipChanges): Promise<void> {
  await refuseForeignAssets(trx, job.ownerId, changes);
  const images = {
    ...(changes.firstImage === undefined ? {} : columnsOf('first', changes.firstImage)),
    ...(changes.lastImage === undefined ? {} : columnsOf('last', changes.lastImage)),
  };
  const model = changes.model ?? clip.model;
  const after = { ...clip, ...images, model };
  const problem = settingsProblems({
    model,
    resolution: job.resolution,
    aspectRatio: job.aspectRatio,
    generateAudio: job.generateAudio && videoModel(model).audio,
    durationSeconds: clip.durationSeconds,
    hasFirstImage: (after.firstAssetId ?? after.firstImageUrl) !== null,
    hasLastImage: (after.lastAssetId ?? after.lastImageUrl) !== null,
  })[0];
  if (problem !== undefined) {
    // What the change did not name is the order's: the change that does not fit it is at fault.
    const path = problem.field in changes ? problem.field : 'model';
    throw new ReelwrightError('VALIDATION_FAILED', `${path}: ${problem.message}`, {
      details: { path, expected: problem.message },
    });
  }
  const prompt = changes.prompt ?? clip.prompt;
  await moveClip(trx, clip, [clip.status], { prompt, model, ...images });
  await requireAssetsKept(trx, [after.firstAssetId, after.lastAssetId], `clip ${clip.number}`);
}

type ImageColumns = Partial<Pick<ClipRecord, 'firstAssetId' | 'firstImageUrl' | 'lastAssetId' | 'lastImageUrl'>>;

function columnsOf(which: 'first' | 'last', image: ImageReference): ImageColumns {
  const assetId = 'assetId' in image ? image.assetId : null;
  const url = 'url' in image ? image.url : null;
  return which === 'first'
    ? { firstAssetId: assetId, firstImageUrl: url }
    : { lastAssetId: assetId, lastImageUrl: url };
}

async function refuseForeignAssets(trx: Knex, ownerId: string, changes: ClipChanges): Promise<void> {
  for (const field of ['firstImage', 'lastImage'] as const) {
    const image = changes[field];
    if (image === undefined || !('assetId' in image)) continue;
    const path = `${field}.assetId`;
    const [asset] = UUID.test(image.assetId) ? await findAssets(trx, ownerId, [image.assetId]) : [];
    if (asset === undefined) {
      throw new ReelwrightError('ASSET_NOT_FOUND', `${path}: there is no asset ${image.assetId}`, {
        details: { path, expected: 'an image asset of yours', seen: image.assetId },
      });
    }
    if (asset.type !== 'image') {
      throw new ReelwrightError('VALIDATION_FAILED', `${path}: expected an image, got an asset of type ${asset.type}`, {
        details: { path, expected: 'an image', seen: `an asset of type ${asset.type}` },
      });
    }
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
