import { z } from 'zod';
import { id, metadata, name, text, webAddress } from '../../domain/fields.schema.js';
import { CAMPAIGN_STATUSES } from '../../storage/campaigns-repository.js';
import { anyObject, pageQuery, timestamp } from './common.schema.js';

export const newCampaign = z.strictObject({
  clientId: id,
  name,
  goal: text(4000),
  status: z.enum(CAMPAIGN_STATUSES).default('draft'),
  productUrl: webAddress.nullable().default(null),
  brief: metadata.nullable().default(null),
  metadata: metadata.default({}),
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
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type CampaignJson = z.output<typeof campaignJson>;
