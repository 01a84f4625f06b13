import { listPurchases } from '../../storage/ledger.js';
import { listStraysOf } from '../../storage/strays.js';
import { sendData } from '../answers.js';
import { ownerOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { readJob } from '../orders/place-order.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { idParams } from '../schemas/common.schema.js';
import { ledgerJson } from '../schemas/ledger.schema.js';
import { ledgerView } from '../views/ledger-views.js';

export function ledgerRoutes({ knex }: ApiDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/jobs/:id/ledger`,
      operation: 'getLedger',
      tag: 'Jobs',
      summary: 'Get what was bought for a job, attempt by attempt',
      access: 'key',
      params: idParams,
      success: { status: 200, body: { kind: 'data', schema: ledgerJson } },
      async handle(ctx, { params }) {
        const { id } = await readJob(knex, ownerOf(ctx), params.id);
        sendData(ctx, ledgerView(await listPurchases(knex, id), await listStraysOf(knex, id)));
      },
    }),
  ];
}
