import { z } from 'zod';
import { id, name, text } from '../../domain/fields.schema.js';
import { ASSET_TYPES } from '../../storage/assets-repository.js';
import { pageQuery, timestamp } from './common.schema.js';

const TAGS_MEANING = 'A JSON array of texts. The first tag of an image names its room: "Bedroom 1 2".';

const tags = z.array(text(100)).max(50);

/** The form fields beside the file, as texts. */
export const uploadFields = z.strictObject({
  name,
  type: z.enum(ASSET_TYPES),
  campaignId: id.optional(),
  clientId: id.optional().describe("Default: the campaign's client."),
  tags: z.preprocess(parseJsonText, tags).default([]).describe(TAGS_MEANING),
});

/** The whole multipart form, for the contract. */
export const uploadForm = z.strictObject({
  file: z
    .string()
    .meta({ format: 'binary' })
    .describe('JPEG, PNG, WebP, GIF; MP4, MOV, WebM, MKV; MP3, WAV, OGG, AAC, M4A, FLAC; PDF, plain text.'),
  ...uploadFields.shape,
  tags: z.string().optional().describe(TAGS_MEANING),
});

export const assetsQuery = z.strictObject({
  ...pageQuery,
  type: z.enum(ASSET_TYPES).optional(),
  campaignId: id.optional(),
  clientId: id.optional(),
});

export const assetJson = z.strictObject({
  id: z.uuid(),
  type: z.enum(ASSET_TYPES),
  name: z.string(),
  contentType: z.string().describe('As found in the bytes.'),
  sizeBytes: z.int(),
  sha256: z.string(),
  width: z.int().nullable().describe('Pixels, as shown: an EXIF or video rotation is applied.'),
  height: z.int().nullable(),
  durationSeconds: z.number().nullable(),
  tags: z.array(z.string()),
  clientId: z.uuid().nullable(),
  campaignId: z.uuid().nullable(),
  url: z.string().describe('Path of the bytes; needs a key.'),
  createdAt: timestamp,
});
export type AssetJson = z.output<typeof assetJson>;

export const assetWithLinkJson = assetJson.extend({
  temporaryUrl: z.string().describe('Path of the bytes that needs no key; every answer has a new one.'),
  temporaryUrlExpiresAt: timestamp,
});
export type AssetWithLinkJson = z.output<typeof assetWithLinkJson>;

export const assetDataQuery = z.object({
  token: z.string().optional().describe("From an asset's temporaryUrl; instead of a key."),
});

/** A text that is no JSON is handed on as it is, for the schema to refuse. */
function parseJsonText(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
