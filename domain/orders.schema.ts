/** What `POST /jobs` accepts: one schema validates it, gives its types and documents it. Not for workflow code (zod). */
import { z } from 'zod';
import { id, metadata, name, text } from './fields.schema.js';
import {
  ASPECT_RATIOS,
  DEFAULT_ASPECT_RATIO,
  DEFAULT_MODEL,
  DEFAULT_RESOLUTION,
  MODEL_NAMES,
  RESOLUTIONS,
} from './models.js';

export const MAX_CLIPS = 100;
const MAX_PROMPT = 4000;

const image = z.strictObject({ assetId: id }).describe('An image asset of the caller.');

const clip = z.strictObject({
  prompt: text(MAX_PROMPT).describe('What the clip shows.'),
  firstImage: image.optional(),
  lastImage: image.optional(),
  durationSeconds: z.int().positive().optional().describe("Default: the model's own."),
  model: z.enum(MODEL_NAMES).optional().describe("Default: the job's."),
});

const common = {
  name: name.optional(),
  model: z.enum(MODEL_NAMES).default(DEFAULT_MODEL),
  resolution: z.enum(RESOLUTIONS).default(DEFAULT_RESOLUTION),
  aspectRatio: z.enum(ASPECT_RATIOS).default(DEFAULT_ASPECT_RATIO),
  generateAudio: z.boolean().default(false),
  music: z.strictObject({ enabled: z.literal(false) }).optional(),
  transition: z.literal('cut').default('cut'),
  onClipFailure: z.literal('fail').default('fail'),
  metadata: metadata.default({}),
};

export const clipsOrder = z.strictObject({
  kind: z.literal('clips'),
  campaignId: id.optional(),
  ...common,
  clips: z.array(clip).min(1).max(MAX_CLIPS),
});

export const imagePairsOrder = z.strictObject({
  kind: z.literal('image-pairs'),
  campaignId: id,
  ...common,
  numPairs: z.int().min(1).max(MAX_CLIPS).optional(),
  clipDuration: z.int().positive().optional().describe("Seconds per clip. Default: the model's own."),
});

export const jobOrder = z.discriminatedUnion('kind', [clipsOrder, imagePairsOrder]);

/** A validated order, defaults filled in. */
export type JobOrder = z.output<typeof jobOrder>;
export type JobKind = JobOrder['kind'];

export interface NotYetSupported {
  path: string;
  message: string;
}

/**
 * The first field of an order that the product will have and does not have yet; such a field is refused rather than
 * accepted without effect. Looks at the raw body, so that the answer is NOT_YET_SUPPORTED and not "unknown field".
 */
export function notYetSupported(body: unknown): NotYetSupported | undefined {
  if (!isObject(body)) return undefined;
  const refuse = (path: string, what: string): NotYetSupported => ({ path, message: `${what} is not supported yet` });
  if (body['kind'] === 'property-photos' || body['kind'] === 'ad') return refuse('kind', `kind ${body['kind']}`);
  if (isObject(body['music']) && body['music']['enabled'] !== false) return refuse('music', 'music');
  if (body['transition'] === 'crossfade' || body['transition'] === 'fade') {
    return refuse('transition', `transition ${body['transition']}`);
  }
  if (body['onClipFailure'] === 'wait' || body['onClipFailure'] === 'skip') {
    return refuse('onClipFailure', `onClipFailure ${body['onClipFailure']}`);
  }
  for (const field of ['budgetUsd', 'callbackUrl']) if (field in body) return refuse(field, field);
  if (!Array.isArray(body['clips'])) return undefined;
  for (const [index, entry] of body['clips'].entries()) {
    for (const field of ['firstImage', 'lastImage']) {
      if (!isObject(entry) || !isObject(entry[field])) continue;
      if ('url' in entry[field]) return refuse(`clips.${index}.${field}.url`, 'an image by url');
    }
  }
  return undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
