/** Shapes that several routes share. */
import { z } from 'zod';
import { id } from '../../domain/fields.schema.js';

export const MAX_PAGE_SIZE = 100;

export const idParams = z.object({ id });

/** The page of a list, as query parameters. */
export const pageQuery = {
  page: z.coerce.number().int().min(1).max(1_000_000).default(1).describe('From 1.'),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_SIZE).default(20),
};

/** A list without other filters. */
export const pageParams = z.strictObject(pageQuery);

export const versionQuery = z.object({
  v: z
    .string()
    .optional()
    .describe('The version, as the address in a JSON answer has it: such an answer may be kept for a year.'),
});

export const timestamp = z.iso.datetime();
export const usd = z.number().describe('US dollars.');
export const anyObject = z.record(z.string(), z.unknown());

export const deletedJson = z.strictObject({ id: z.uuid(), deletedAt: timestamp });
