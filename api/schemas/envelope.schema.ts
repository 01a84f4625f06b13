import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../../domain/errors.js';
import { timestamp } from './common.schema.js';

export const errorCode = z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]);

const meta = { timestamp, requestId: z.string() };

export const metaJson = z.strictObject(meta);

export const listMetaJson = z.strictObject({
  ...meta,
  page: z.int(),
  limit: z.int(),
  total: z.int().describe('Of all matches, not of this page.'),
});

export const errorAnswer = z.strictObject({
  data: z.null(),
  error: z.strictObject({
    code: errorCode,
    message: z.string(),
    details: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('About a field: its path (clips.0.durationSeconds), what was expected and what was seen.'),
  }),
  meta: metaJson,
});
