/** Turns a campaign's images into the clips of an image-pairs order, by the fixed pairing rule. */
import { ReelwrightError } from '../../domain/errors.js';
import { videoModel } from '../../domain/models.js';
import { type JobOrder, resolutionOf } from '../../domain/orders.schema.js';
import { pairImages, pairPrompt } from '../../domain/pairing.js';
import type { AssetRecord } from '../../storage/assets-repository.js';
import type { NewClip } from '../../storage/clips-repository.js';
import { refuseProblems } from '../../storage/plan-clips.js';

export type ImagePairsOrder = Extract<JobOrder, { kind: 'image-pairs' }>;

/** The order's field that asks for what a model may lack, where it is not of the same name. */
const PATHS: Record<string, string> = { durationSeconds: 'clipDuration', firstImage: 'model', lastImage: 'model' };

/**
 * One row per pair, in the order of the scenes. Throws VALIDATION_FAILED for what the model does not make, and
 * NOT_ENOUGH_IMAGES when no pair can be made.
 */
export function planPairs(
  order: ImagePairsOrder,
  images: readonly AssetRecord[],
): { clips: NewClip[]; warnings: string[] } {
  const { model } = order;
  const durationSeconds = order.clipDuration ?? videoModel(model).defaultDuration;
  const { aspectRatio, generateAudio } = order;
  const resolution = resolutionOf(order);
  const frames = { hasFirstImage: true, hasLastImage: true };
  refuseProblems(
    { model, resolution, aspectRatio, generateAudio, durationSeconds, ...frames },
    (field) => PATHS[field] ?? field,
  );
  if (images.length < 2) {
    throw new ReelwrightError(
      'NOT_ENOUGH_IMAGES',
      `campaignId: expected a campaign with at least 2 images, got one with ${images.length}`,
      { details: { path: 'campaignId', expected: 'at least 2 images', seen: `${images.length}` } },
    );
  }
  const pairs = pairImages(
    images.map((image) => ({ id: image.id, tags: image.tags, uploadedAt: image.createdAt.getTime() })),
    order.numPairs,
  );
  const clips = pairs.map((pair, index) => ({
    number: index + 1,
    sceneName: pair.scene.name,
    model,
    prompt: pairPrompt(pair),
    durationSeconds,
    firstAssetId: pair.firstImageId,
    lastAssetId: pair.lastImageId,
  }));
  const fewer = order.numPairs !== undefined && pairs.length < order.numPairs;
  const warnings = fewer ? [`${order.numPairs} pairs were asked for; the campaign's images make ${pairs.length}`] : [];
  return { clips, warnings };
}
