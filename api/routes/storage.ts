import { readStoreFigures } from '../../storage/store-figures.js';
import { sendData } from '../answers.js';
import type { ApiDeps } from '../deps.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { storageJson } from '../schemas/storage.schema.js';

export function storageRoutes({ knex, config }: ApiDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/admin/storage`,
      operation: 'getStorage',
      tag: 'Admin',
      summary: 'Get what the store holds, and what room is left',
      access: 'admin',
      success: { status: 200, body: { kind: 'data', schema: storageJson } },
      async handle(ctx) {
        sendData(ctx, await readStoreFigures(knex, config.maxStoreBytes));
      },
    }),
  ];
}
