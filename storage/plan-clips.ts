/** Turns the clips of an order into rows, or says which field of the order cannot be had. */
import type { ImageReference } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { seen } from '../domain/fields.schema.js';
import { type ClipSettings, type SettingsProblem, settingsProblems, videoModel } from '../domain/models.js';
import { type JobOrder, resolutionOf } from '../domain/orders.schema.js';
import type { NewClip } from './clips-repository.js';

export type ClipsOrder = Extract<JobOrder, { kind: 'clips' }>;

/**
 * One row per clip, in order, defaults filled in. Sound that is asked for is made by those models that can; where none
 * can, that is refused. Throws VALIDATION_FAILED for what the clip's model does not make.
 */
export function planClips(order: ClipsOrder): NewClip[] {
  const canSound = order.clips.some((clip) => videoModel(clip.model ?? order.model).audio);
  return order.clips.map((clip, index) => {
    const model = clip.model ?? order.model;
    const settings: ClipSettings = {
      model,
      resolution: resolutionOf(order),
      aspectRatio: order.aspectRatio,
      generateAudio: order.generateAudio && (videoModel(model).audio || !canSound),
      durationSeconds: clip.durationSeconds ?? videoModel(model).defaultDuration,
      hasFirstImage: clip.firstImage !== undefined,
      hasLastImage: clip.lastImage !== undefined,
    };
    refuseProblems(settings, (field) => (isClipField(field) ? `clips.${index}.${field}` : field));
    return {
      number: index + 1,
      sceneName: null,
      model,
      prompt: clip.prompt,
      durationSeconds: settings.durationSeconds,
      ...imageColumns(clip),
    };
  });
}

/** Which clips of an order with sound have none. */
export function silentClipsWarning(order: ClipsOrder): string[] {
  if (!order.generateAudio) return [];
  const models = order.clips.map((clip) => clip.model ?? order.model);
  const silent = models.flatMap((model, index) => (videoModel(model).audio ? [] : [`clip ${index + 1} (${model})`]));
  return silent.length === 0 ? [] : [`models that make no sound: ${silent.join(', ')}`];
}

type ImageColumns = Pick<NewClip, 'firstAssetId' | 'lastAssetId' | 'firstImageUrl' | 'lastImageUrl'>;

function imageColumns({ firstImage, lastImage }: ClipsOrder['clips'][number]): ImageColumns {
  const first = columnsOf(firstImage);
  const last = columnsOf(lastImage);
  return { firstAssetId: first.assetId, lastAssetId: last.assetId, firstImageUrl: first.url, lastImageUrl: last.url };
}

function columnsOf(image: ImageReference | undefined): { assetId: string | null; url: string | null } {
  if (image === undefined) return { assetId: null, url: null };
  return 'url' in image ? { assetId: null, url: image.url } : { assetId: image.assetId, url: null };
}

/** Throws VALIDATION_FAILED for the first thing that the model cannot do; `pathOf` says where the order asks for it. */
export function refuseProblems(settings: ClipSettings, pathOf: (field: SettingsProblem['field']) => string): void {
  const problem = settingsProblems(settings)[0];
  if (problem === undefined) return;
  const path = pathOf(problem.field);
  throw new ReelwrightError('VALIDATION_FAILED', `${path}: ${problem.message}`, {
    details: { path, expected: problem.message, seen: seenIn(settings, problem.field) },
  });
}

function seenIn(settings: ClipSettings, field: SettingsProblem['field']): string {
  if (field === 'firstImage') return settings.hasFirstImage ? 'an image' : 'nothing';
  if (field === 'lastImage') return settings.hasLastImage ? 'an image' : 'nothing';
  return seen(settings[field]);
}

const isClipField = (field: SettingsProblem['field']): boolean =>
  field === 'durationSeconds' || field === 'firstImage' || field === 'lastImage';
