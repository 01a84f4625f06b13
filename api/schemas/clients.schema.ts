import { z } from 'zod';
import { metadata, name, text, webAddress } from '../../domain/fields.schema.js';
import { anyObject, pageQuery, timestamp } from './common.schema.js';

const lines = z.array(text(500)).max(50);

const brandGuidelines = z.strictObject({
  colors: lines.optional(),
  fonts: lines.optional(),
  tone: text(2000).optional(),
  restrictions: lines.optional(),
  examples: lines.optional(),
});

export const newClient = z.strictObject({
  name,
  description: text(4000).nullable().default(null),
  homepage: webAddress.nullable().default(null),
  brandGuidelines: brandGuidelines.nullable().default(null),
  metadata: metadata.default({}),
});

export const clientsQuery = z.strictObject(pageQuery);

export const clientJson = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  description: z.string().nullable(),
  homepage: z.string().nullable(),
  brandGuidelines: anyObject.nullable(),
  metadata: anyObject,
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type ClientJson = z.output<typeof clientJson>;
