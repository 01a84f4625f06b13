import { z } from 'zod';

const volume = { blobs: z.int(), bytes: z.int() };

export const storageJson = z.strictObject({
  ...volume,
  kinds: z
    .array(z.strictObject({ kind: z.string(), ...volume }))
    .describe('By what refers to them; what several kinds refer to counts for each of them.'),
  orphans: z.strictObject(volume).describe('What nothing refers to: a sweep deletes it once it is old enough.'),
  reservedBytes: z.int().describe('What open jobs, exports, combinations and uploads are estimated to add.'),
  diskBytes: z.int().describe('What the tables take on disk, with what is deleted and not cleaned up.'),
  limitBytes: z.int().nullable().describe('BLOB_STORE_MAX_BYTES; null where there is none.'),
  freeBytes: z.int().nullable().describe('What may still be promised; null without a limit.'),
});
