import { z } from 'zod';
import { text } from '../../domain/fields.schema.js';
import { timestamp } from './common.schema.js';
import { errorCode } from './envelope.schema.js';

export const purchasingChange = z.discriminatedUnion('paused', [
  z.strictObject({
    paused: z.literal(true),
    reason: text(500).describe('Shown to whoever asks why nothing is bought.'),
  }),
  z.strictObject({ paused: z.literal(false) }),
]);

export const purchasingJson = z.strictObject({
  paused: z
    .strictObject({
      code: errorCode,
      reason: z.string(),
      pausedBy: z.string().describe('`provider`, `ledger`, or whose key it was.'),
      pausedAt: timestamp,
      probeAt: timestamp
        .nullable()
        .describe('From when one purchase tries whether it goes again; null: a person decides.'),
      probes: z.int(),
    })
    .nullable()
    .describe('Null while purchasing goes on.'),
  openStrays: z.int().describe('Predictions at the provider that no attempt stands for and that have not ended.'),
  unknownPurchases: z.int().describe('Purchases of which nobody can say at the moment whether they were made.'),
});
export type PurchasingJson = z.output<typeof purchasingJson>;
