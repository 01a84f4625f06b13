import { ReelwrightError } from '../../domain/errors.js';
import { findClient, insertClient, listClients } from '../../storage/clients-repository.js';
import { sendData, sendList } from '../answers.js';
import { ownerOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { clientJson, clientsQuery, newClient } from '../schemas/clients.schema.js';
import { idParams } from '../schemas/common.schema.js';
import { clientView } from '../views/catalog-views.js';

export function clientRoutes({ knex }: ApiDeps): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/clients`,
      operation: 'createClient',
      tag: 'Clients',
      summary: 'Create a client',
      access: 'key',
      idempotent: true,
      json: newClient,
      success: { status: 201, body: { kind: 'data', schema: clientJson } },
      async handle(ctx, { body, db }) {
        const client = await insertClient(db, ownerOf(ctx), body);
        sendData(ctx, clientView(client), { status: 201, location: `${API_PREFIX}/clients/${client.id}` });
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/clients`,
      operation: 'listClients',
      tag: 'Clients',
      summary: 'List clients, newest first',
      access: 'key',
      query: clientsQuery,
      success: { status: 200, body: { kind: 'list', schema: clientJson } },
      async handle(ctx, { query }) {
        const { rows, total } = await listClients(knex, ownerOf(ctx), query);
        sendList(ctx, rows.map(clientView), { page: query.page, limit: query.limit, total });
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/clients/:id`,
      operation: 'getClient',
      tag: 'Clients',
      summary: 'Get a client',
      access: 'key',
      params: idParams,
      success: { status: 200, body: { kind: 'data', schema: clientJson } },
      async handle(ctx, { params }) {
        const client = await findClient(knex, ownerOf(ctx), params.id);
        if (client === undefined) throw new ReelwrightError('NOT_FOUND', `there is no client ${params.id}`);
        sendData(ctx, clientView(client));
      },
    }),
  ];
}
