/** What was bought for a job, as the ledger keeps it. */
import { z } from 'zod';
import { PREDICTION_STATES } from '../../domain/ledger.js';
import { OPENED_BY } from '../../domain/purchase.js';
import { timestamp, usd } from './common.schema.js';
import { failure } from './jobs.schema.js';

export const purchaseJson = z.strictObject({
  subject: z.string().describe('What it is for: `clip:3` is the third clip.'),
  attempt: z.int().describe('From 1 for each subject; a create at the provider has its own.'),
  model: z.string().describe("The provider's name of the model."),
  state: z.enum(PREDICTION_STATES),
  providerId: z.string().nullable().describe("The prediction's id at the provider, once known."),
  openedBy: z.enum(OPENED_BY).describe('Why there is this attempt.'),
  estimateUsd: usd.describe('Reserved for it, in US dollars.'),
  costUsd: usd.nullable().describe('What it cost, once it has ended.'),
  error: failure,
  adoptedFrom: z
    .enum(['list', 'webhook', 'history'])
    .nullable()
    .describe('Where it was found after its answer was lost.'),
  createdAt: timestamp,
  postedAt: timestamp.nullable(),
  knownAt: timestamp.nullable(),
  settledAt: timestamp.nullable(),
  storedAt: timestamp.nullable(),
});
export type PurchaseJson = z.output<typeof purchaseJson>;

export const strayJson = z.strictObject({
  providerId: z.string(),
  subject: z.string().nullable().describe('The subject whose purchase it resembles.'),
  model: z.string(),
  status: z.string().describe("The provider's word."),
  estimateUsd: usd,
  costUsd: usd.nullable(),
  reason: z.string(),
  createdAt: timestamp,
  foundAt: timestamp,
  settledAt: timestamp.nullable(),
});
export type StrayJson = z.output<typeof strayJson>;

export const ledgerJson = z.strictObject({
  purchases: z.array(purchaseJson).describe('In the order in which they were opened.'),
  strays: z.array(strayJson).describe('Predictions at the provider that no attempt stands for.'),
  totals: z.strictObject({
    reservedUsd: usd.describe('What may still be spent: the estimates of all that has not ended.'),
    spentUsd: usd.describe('What was spent, strays included.'),
    openPurchases: z.int(),
  }),
});
export type LedgerJson = z.output<typeof ledgerJson>;
