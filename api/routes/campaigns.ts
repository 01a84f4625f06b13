import { ReelwrightError } from '../../domain/errors.js';
import {
  type CampaignRecord,
  changeCampaign,
  findCampaign,
  insertCampaign,
  listCampaigns,
} from '../../storage/campaigns-repository.js';
import { findClient } from '../../storage/clients-repository.js';
import { sendData, sendList } from '../answers.js';
import { ownerOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { clientNotFound } from '../references.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { campaignChange, campaignJson, campaignsQuery, newCampaign } from '../schemas/campaigns.schema.js';
import { idParams } from '../schemas/common.schema.js';
import { campaignView } from '../views/catalog-views.js';

export function campaignRoutes({ knex }: ApiDeps): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/campaigns`,
      operation: 'createCampaign',
      tag: 'Campaigns',
      summary: 'Create a campaign of a client',
      access: 'key',
      idempotent: true,
      json: newCampaign,
      success: { status: 201, body: { kind: 'data', schema: campaignJson } },
      errors: ['CLIENT_NOT_FOUND'],
      async handle(ctx, { body, db }) {
        const ownerId = ownerOf(ctx);
        if ((await findClient(db, ownerId, body.clientId)) === undefined) throw clientNotFound(body.clientId);
        const campaign = await insertCampaign(db, ownerId, body);
        sendData(ctx, campaignView(campaign), { status: 201, location: `${API_PREFIX}/campaigns/${campaign.id}` });
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/campaigns`,
      operation: 'listCampaigns',
      tag: 'Campaigns',
      summary: 'List campaigns, newest first',
      access: 'key',
      query: campaignsQuery,
      success: { status: 200, body: { kind: 'list', schema: campaignJson } },
      async handle(ctx, { query }) {
        const { rows, total } = await listCampaigns(knex, ownerOf(ctx), query, query);
        sendList(ctx, rows.map(campaignView), { page: query.page, limit: query.limit, total });
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/campaigns/:id`,
      operation: 'getCampaign',
      tag: 'Campaigns',
      summary: 'Get a campaign',
      access: 'key',
      params: idParams,
      success: { status: 200, body: { kind: 'data', schema: campaignJson } },
      async handle(ctx, { params }) {
        sendData(ctx, campaignView(found(params.id, await findCampaign(knex, ownerOf(ctx), params.id))));
      },
    }),
    defineRoute({
      method: 'patch',
      path: `${API_PREFIX}/campaigns/:id`,
      operation: 'changeCampaign',
      tag: 'Campaigns',
      summary: 'Change a campaign; what is not named stays, and null clears',
      access: 'key',
      params: idParams,
      json: campaignChange,
      success: { status: 200, body: { kind: 'data', schema: campaignJson } },
      async handle(ctx, { params, body }) {
        sendData(ctx, campaignView(found(params.id, await changeCampaign(knex, ownerOf(ctx), params.id, body))));
      },
    }),
  ];
}

function found(id: string, campaign: CampaignRecord | undefined): CampaignRecord {
  if (campaign === undefined) throw new ReelwrightError('NOT_FOUND', `there is no campaign ${id}`);
  return campaign;
}
