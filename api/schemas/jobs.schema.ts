import { z } from 'zod';
import { id } from '../../domain/fields.schema.js';

import { MODEL_NAMES, RESOLUTIONS } from '../../domain/models.js';
import { MUSIC_MODEL_NAMES } from '../../domain/music.js';
import { JOB_KINDS } from '../../domain/orders.schema.js';
import { CLIP_STATES, JOB_STATES } from '../../domain/states.js';
import { anyObject, pageQuery, timestamp, usd } from './common.schema.js';
import { errorCode } from './envelope.schema.js';

export const jobsQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(JOB_STATES).optional(),
  kind: z.enum(JOB_KINDS).optional(),
  campaignId: id.optional(),
});

export const failure = z.strictObject({ code: errorCode, message: z.string() }).nullable();
export const workflow = z.strictObject({
  id: z.string(),
  url: z.string().nullable().describe('In the Temporal Web UI; null where there is none.'),
});
const counts = Object.fromEntries(CLIP_STATES.map((state) => [state, z.int()])) as Record<
  (typeof CLIP_STATES)[number],
  z.ZodInt
>;
export const clipCounts = z.strictObject({ ...counts, total: z.int() });

const subJob = {
  number: z.int().describe('From 1, in the order of the video.'),
  status: z.enum(CLIP_STATES),
  attempt: z.int().describe('Number of the latest purchase; 0 before the first.'),
  prompt: z.string(),
  durationSeconds: z.number(),
  predictionId: z.string().nullable(),
  error: failure,
  costUsd: usd.nullable(),
  workflow,
  startedAt: timestamp.nullable(),
  completedAt: timestamp.nullable(),
};

export const clipJson = z.strictObject({
  ...subJob,
  sceneName: z.string().nullable(),
  model: z.enum(MODEL_NAMES),
  videoUrl: z.string().nullable(),
});
export type ClipJson = z.output<typeof clipJson>;

export const musicJson = z.strictObject({
  ...subJob,
  durationSeconds: z.number().describe('Of new music: each piece goes on from the one before and contains it.'),
  model: z.enum(MUSIC_MODEL_NAMES),
  audioUrl: z.string().nullable(),
});
export type MusicJson = z.output<typeof musicJson>;

export const jobJson = z.strictObject({
  id: z.uuid(),
  kind: z.enum(JOB_KINDS),
  name: z.string(),
  status: z.enum(JOB_STATES),
  progress: z.strictObject({ stage: z.enum(JOB_STATES), percent: z.number(), message: z.string(), clips: clipCounts }),
  clips: z.array(clipJson),
  music: z.array(musicJson).describe('Empty where none was ordered.'),
  warnings: z.array(z.string()),
  error: failure,
  videoUrl: z.string().nullable().describe('Path of the video; another one after each cut.'),
  posterUrl: z.string().nullable().describe('Path of a JPEG of one frame.'),
  thumbnailUrl: z.string().nullable().describe('Path of a JPEG of one frame, at most 400 pixels wide.'),
  previewsUrl: z
    .string()
    .nullable()
    .describe('Path of WebVTT cues that name, for each time of the video, a part of a sheet of small pictures.'),
  durationSeconds: z.number().nullable(),
  sizeBytes: z.int().nullable(),
  estimatedCostUsd: usd,
  actualCostUsd: usd,
  budgetUsd: usd.nullable(),
  campaignId: z.uuid().nullable(),
  workflow,
  metadata: anyObject,
  createdAt: timestamp,
  updatedAt: timestamp,
  completedAt: timestamp.nullable(),
  mediaExpiresAt: timestamp
    .nullable()
    .describe('From when its video, clips, music and exports may be deleted; null while it is not over, or for ever.'),
  mediaDeletedAt: timestamp.nullable().describe('When they were deleted; the job, its ledger and its costs stay.'),
});
export type JobJson = z.output<typeof jobJson>;

/** What an order would come to; nothing is stored for it. */
export const estimateJson = z.strictObject({
  estimatedCostUsd: usd,
  estimatedBytes: z.int().describe('What it is taken to need in the store, generously.'),
  clips: z.array(
    z.strictObject({
      number: z.int(),
      model: z.enum(MODEL_NAMES),
      resolution: z.enum(RESOLUTIONS),
      durationSeconds: z.number(),
      generateAudio: z.boolean(),
      prompt: z.string(),
      estimatedCostUsd: usd,
    }),
  ),
  music: z.array(
    z.strictObject({
      number: z.int(),
      model: z.enum(MUSIC_MODEL_NAMES),
      durationSeconds: z.number(),
      prompt: z.string(),
      estimatedCostUsd: usd,
    }),
  ),
  budgetUsd: usd.nullable(),
  withinBudget: z.boolean().nullable().describe('Null without a budget.'),
  warnings: z.array(z.string()),
});
export type EstimateJson = z.output<typeof estimateJson>;

export const subJobsJson = z.strictObject({
  subJobs: z.array(clipJson),
  music: z.array(musicJson),
  summary: clipCounts,
});
export type SubJobsJson = z.output<typeof subJobsJson>;
