/** Exports of videos and combinations of several. */
import { z } from 'zod';
import { id, name } from '../../domain/fields.schema.js';
import { TRANSITIONS } from '../../domain/orders.schema.js';
import {
  EXPORT_FORMATS,
  EXPORT_QUALITIES,
  MAX_COMBINED,
  MIN_COMBINED,
  RENDITION_STATES,
} from '../../domain/renditions.js';
import { timestamp } from './common.schema.js';
import { failure, workflow } from './jobs.schema.js';

export const exportOrder = z.strictObject({
  format: z.enum(EXPORT_FORMATS).describe('mp4 and mov: H.264 and AAC. webm: VP9 and Opus.'),
  quality: z
    .enum(EXPORT_QUALITIES)
    .describe(
      'low: at most 480p. medium: at most 720p. high: as large as the video, copied where the format allows it.',
    ),
});

export const combineOrder = z.strictObject({
  videoIds: z
    .array(id)
    .min(MIN_COMBINED)
    .max(MAX_COMBINED)
    .describe('Ids of jobs with a finished video, in playing order; one may come several times.'),
  name: name.optional(),
  transition: z.enum(TRANSITIONS).default('cut').describe('How one video becomes the next; `fade` goes through black.'),
});

export const renditionAction = z.strictObject({ action: z.literal('cancel') });

const common = {
  id: z.uuid(),
  status: z.enum(RENDITION_STATES),
  percent: z.int().min(0).max(100),
  error: failure,
  durationSeconds: z.number().nullable(),
  sizeBytes: z.int().nullable(),
  workflow,
  createdAt: timestamp,
  updatedAt: timestamp,
  completedAt: timestamp.nullable(),
  mediaDeletedAt: timestamp.nullable().describe('When its file was deleted, its time being over.'),
};

export const exportJson = z.strictObject({
  ...common,
  videoId: z.uuid().describe('The job whose video is exported.'),
  format: z.enum(EXPORT_FORMATS),
  quality: z.enum(EXPORT_QUALITIES),
  dataUrl: z.string().nullable().describe('Path of the file; null until it is completed.'),
});
export type ExportJson = z.output<typeof exportJson>;

export const combinedVideoJson = z.strictObject({
  ...common,
  name: z.string(),
  videoIds: z.array(z.uuid()).describe('The jobs whose videos it is made of, in playing order.'),
  transition: z.enum(TRANSITIONS),
  videoUrl: z.string().nullable().describe('Path of the video; null until it is completed.'),
});
export type CombinedVideoJson = z.output<typeof combinedVideoJson>;
