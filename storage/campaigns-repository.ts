import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import type { Page } from './jobs-repository.js';
import { given, listPage } from './list-page.js';

/** In the order of the table's CHECK. */
export const CAMPAIGN_STATUSES = ['active', 'archived', 'draft'] as const;
export type CampaignStatus = (typeof CAMPAIGN_STATUSES)[number];

export interface CampaignRecord {
  id: string;
  clientId: string;
  name: string;
  goal: string;
  status: CampaignStatus;
  productUrl: string | null;
  brief: Record<string, unknown> | null;
  metadata: Record<string, unknown>;
  /** The most that all its jobs may spend, in US dollars. */
  budgetUsd: number | null;
  /** Days that the media of its jobs are kept after their end; null where that is the deployment's to say. */
  retentionDays: number | null;
  createdAt: Date;
  updatedAt: Date;
}

export type NewCampaign = Omit<CampaignRecord, 'id' | 'createdAt' | 'updatedAt'>;

export interface CampaignFilter {
  clientId?: string | undefined;
  status?: CampaignStatus | undefined;
}

const COLUMNS = {
  id: 'id',
  clientId: 'client_id',
  name: 'name',
  goal: 'goal',
  status: 'status',
  productUrl: 'product_url',
  brief: 'brief',
  metadata: 'metadata',
  budgetUsd: 'budget_usd',
  retentionDays: 'retention_days',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
};

/** Stores a campaign of a client that the caller has found to be the owner's. */
export async function insertCampaign(knex: Knex, ownerId: string, campaign: NewCampaign): Promise<CampaignRecord> {
  const [row] = await knex('campaigns')
    .insert({
      id: uuidv7(),
      owner_id: ownerId,
      client_id: campaign.clientId,
      ...columnsOf(campaign),
    })
    .returning(COLUMNS as never);
  return row as CampaignRecord;
}

export type CampaignChange = { [Field in keyof Omit<NewCampaign, 'clientId'>]?: NewCampaign[Field] | undefined };

/** Changes what is named; undefined when there is no such campaign or it is another owner's. */
export async function changeCampaign(
  knex: Knex,
  ownerId: string,
  id: string,
  change: CampaignChange,
): Promise<CampaignRecord | undefined> {
  const [row] = await knex('campaigns')
    .where({ id, owner_id: ownerId })
    .update({ ...columnsOf(change), updated_at: knex.fn.now() })
    .returning(COLUMNS as never);
  return row as CampaignRecord | undefined;
}

const columnsOf = (campaign: CampaignChange): Record<string, unknown> =>
  given({
    name: campaign.name,
    goal: campaign.goal,
    status: campaign.status,
    product_url: campaign.productUrl,
    brief: json(campaign.brief),
    metadata: json(campaign.metadata),
    budget_usd: campaign.budgetUsd,
    retention_days: campaign.retentionDays,
  });

const json = (value: unknown): string | null | undefined => (value == null ? value : JSON.stringify(value));

/** The campaign, or undefined when there is none or it is another owner's. */
export async function findCampaign(knex: Knex, ownerId: string, id: string): Promise<CampaignRecord | undefined> {
  return await knex('campaigns').where({ id, owner_id: ownerId }).first(COLUMNS);
}

/** The owner's campaigns, newest first, and how many match in all. */
export async function listCampaigns(
  knex: Knex,
  ownerId: string,
  filter: CampaignFilter,
  page: Page,
): Promise<{ rows: CampaignRecord[]; total: number }> {
  const matching = knex('campaigns').where(
    given({ owner_id: ownerId, client_id: filter.clientId, status: filter.status }),
  );
  return await listPage<CampaignRecord>(matching, COLUMNS, page, 'campaigns');
}
