/** What `POST /jobs` accepts: one schema validates it, gives its types and documents it. Not for workflow code (zod). */
import { z } from 'zod';
import type { ImageReference } from './contract.js';
import { id, metadata, name, text } from './fields.schema.js';
import {
  ASPECT_RATIOS,
  DEFAULT_ASPECT_RATIO,
  DEFAULT_MODEL,
  DEFAULT_RESOLUTION,
  MODEL_NAMES,
  RESOLUTIONS,
  type Resolution,
  roundUsd,
} from './models.js';
import { MAX_MUSIC_SECONDS } from './music.js';

export const MAX_CLIPS = 100;
const MAX_PROMPT = 4000;
const MAX_ADDRESS = 2000;
/** What the ledger's columns can hold (numeric(12, 6)), in US dollars. */
const LEAST_USD = 0.000_001;
const MOST_USD = 999_999;

/** What becomes of a job when a clip of it cannot be made. */
export const CLIP_FAILURE_POLICIES = ['wait', 'skip', 'fail'] as const;
export type ClipFailurePolicy = (typeof CLIP_FAILURE_POLICIES)[number];

/** An image asset of the caller, or an address it is fetched from: exactly one of both. The address is judged elsewhere. */
export const imageReference = z
  .strictObject({
    assetId: id.optional().describe('An image asset of the caller.'),
    url: text(MAX_ADDRESS).optional().describe('An http or https address in public reach.'),
  })
  .refine((image) => (image.assetId === undefined) !== (image.url === undefined), {
    error: 'needs either an assetId or a url, exactly one of them',
  })
  .meta({ oneOf: [{ required: ['assetId'] }, { required: ['url'] }] })
  .transform(({ assetId, url }): ImageReference => (url === undefined ? { assetId: String(assetId) } : { url }))
  .describe('An image: either `assetId` or `url`.');

/** The most that may be spent, in US dollars; brought to the six decimals that the ledger keeps. */
export const budgetUsd = z.number().min(LEAST_USD).max(MOST_USD).transform(roundUsd).describe('US dollars.');

const prompt = text(MAX_PROMPT).describe('What the clip shows.');
const clipModel = z.enum(MODEL_NAMES).optional().describe("Default: the job's.");

export const TRANSITIONS = ['cut', 'crossfade', 'fade'] as const;
export type Transition = (typeof TRANSITIONS)[number];
const FRAME_RATES = [24, 25, 30, 50, 60] as const;

const music = z
  .strictObject({
    enabled: z.boolean(),
    prompt: text(MAX_PROMPT).optional().describe('What the music is like. Default: by the scenes of the clips.'),
  })
  .refine(({ enabled, prompt }) => enabled || prompt === undefined, {
    error: 'has no effect while music is not enabled',
    path: ['prompt'],
  });

const clip = z.strictObject({
  prompt,
  firstImage: imageReference.optional(),
  lastImage: imageReference.optional(),
  durationSeconds: z.int().positive().optional().describe("Default: the model's own."),
  model: clipModel,
});

/** What another attempt at a clip may take instead of what was ordered. The fields of a schema, none of them required. */
export const clipChangeFields = {
  prompt: prompt.optional(),
  model: z.enum(MODEL_NAMES).optional(),
  firstImage: imageReference.optional(),
  lastImage: imageReference.optional(),
};

const common = {
  name: name.optional(),
  model: z.enum(MODEL_NAMES).default(DEFAULT_MODEL),
  resolution: z
    .enum(RESOLUTIONS)
    .optional()
    .describe(`Of the clips, and then also of the video. Default: ${DEFAULT_RESOLUTION}, and what most clips have.`),
  aspectRatio: z.enum(ASPECT_RATIOS).default(DEFAULT_ASPECT_RATIO),
  generateAudio: z.boolean().default(false),
  frameRate: z.literal(FRAME_RATES).optional().describe("Frames per second of the video. Default: most clips' own."),
  music: music.optional(),
  transition: z.enum(TRANSITIONS).default('cut').describe('How one clip becomes the next; `fade` goes through black.'),
  onClipFailure: z
    .enum(CLIP_FAILURE_POLICIES)
    .default('wait')
    .describe('When a clip cannot be made: wait for a decision, finish with a gap, or fail.'),
  budgetUsd: budgetUsd.optional().describe('The most that the job may spend, in US dollars.'),
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

/** Music by itself, for videos that are made elsewhere. */
export const musicOrder = z.strictObject({
  kind: z.literal('music'),
  campaignId: id.optional(),
  name: name.optional(),
  budgetUsd: budgetUsd.optional().describe('The most that the job may spend, in US dollars.'),
  metadata: metadata.default({}),
  scenes: z
    .array(
      z.strictObject({
        prompt: text(MAX_PROMPT).describe('What the music of the scene is like.'),
        durationSeconds: z.int().min(1).max(MAX_MUSIC_SECONDS),
      }),
    )
    .min(1)
    .max(MAX_CLIPS)
    .refine((scenes) => scenes.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0) <= MAX_MUSIC_SECONDS, {
      error: `scenes of at most ${MAX_MUSIC_SECONDS} seconds in all are expected`,
    }),
});
export type MusicOrder = z.output<typeof musicOrder>;

export const jobOrder = z.discriminatedUnion('kind', [clipsOrder, imagePairsOrder, musicOrder]);
export const JOB_KINDS = ['clips', 'image-pairs', 'music'] as const satisfies readonly JobKind[];

/** The resolution that an order's clips are bought in. */
export const resolutionOf = ({ resolution }: Pick<VideoOrder, 'resolution'>): Resolution =>
  resolution ?? DEFAULT_RESOLUTION;

/** A validated order, defaults filled in where they go for nothing but the clips. */
export type JobOrder = z.output<typeof jobOrder>;
export type JobKind = JobOrder['kind'];
/** An order of a video. */
export type VideoOrder = Exclude<JobOrder, MusicOrder>;

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
  if ('callbackUrl' in body) return refuse('callbackUrl', 'callbackUrl');
  return undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
