import type { CampaignRecord } from '../../storage/campaigns-repository.js';
import type { ClientRecord } from '../../storage/clients-repository.js';
import type { CampaignJson } from '../schemas/campaigns.schema.js';
import type { ClientJson } from '../schemas/clients.schema.js';

export const clientView = (client: ClientRecord): ClientJson => ({
  id: client.id,
  name: client.name,
  description: client.description,
  homepage: client.homepage,
  brandGuidelines: client.brandGuidelines,
  metadata: client.metadata,
  createdAt: client.createdAt.toISOString(),
  updatedAt: client.updatedAt.toISOString(),
});

export const campaignView = (campaign: CampaignRecord): CampaignJson => ({
  id: campaign.id,
  clientId: campaign.clientId,
  name: campaign.name,
  goal: campaign.goal,
  status: campaign.status,
  productUrl: campaign.productUrl,
  brief: campaign.brief,
  metadata: campaign.metadata,
  budgetUsd: campaign.budgetUsd,
  retentionDays: campaign.retentionDays,
  createdAt: campaign.createdAt.toISOString(),
  updatedAt: campaign.updatedAt.toISOString(),
});
