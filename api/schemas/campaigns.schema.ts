import { z } from 'zod';
import { id, metadata, name, text, webAddress } from '../../domain/fields.schema.js';
import { budgetUsd } from '../../domain/orders.schema.js';
import { CAMPAIGN_STATUSES } from '../../storage/campaigns-repository.js';
import { anyObject, pageQuery, timestamp, usd } from './common.schema.js';

const goal = text(4000);
const status = z.enum(CAMPAIGN_STATUSES);
const budget = budgetUsd.nullable().describe('The most that all its jobs may spend, in US dollars; null is no bound.');
const retentionDays = z
  .int()
  .min(1)
  .max(36_500)
  .nullable()
  .describe('Days that the media of its jobs are kept after their end; null for those of the deployment.');

export const newCampaign = z.strictObject({
  clientId: id,
  name,
  goal,
  status: status.default('draft'),
  productUrl: webAddress.nullable().default(null),
  brief: metadata.nullable().default(null),
  metadata: metadata.default({}),
  budgetUsd: budget.default(null),
  retentionDays: retentionDays.default(null),
});

/** What is not named stays as it is. */
export const campaignChange = z.strictObject({
  name: name.optional(),
  goal: goal.optional(),
  status: status.optional(),
  productUrl: webAddress.nullable().optional(),
  brief: metadata.nullable().optional(),
  metadata: metadata.optional(),
  budgetUsd: budget.optional(),
  retentionDays: retentionDays.optional(),
});

export const campaignsQuery = z.strictObject({
  ...pageQuery,
  clientId: id.optional(),
  status: z.enum(CAMPAIGN_STATUSES).optional(),
});

export const campaignJson = z.strictObject({
  id: z.uuid(),
  clientId: z.uuid(),
  name: z.string(),
  goal: z.string(),
  status: z.enum(CAMPAIGN_STATUSES),
  productUrl: z.string().nullable(),
  brief: anyObject.nullable(),
  metadata: anyObject,
  budgetUsd: usd.nullable(),
  retentionDays: z.int().nullable(),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type CampaignJson = z.output<typeof campaignJson>;
