import type { Knex } from 'knex';
import { ReelwrightError } from '../../domain/errors.js';
import { whyBehind } from '../../storage/ledger-clock.js';
import { findPause, pausePurchasing, resumePurchasing } from '../../storage/purchasing.js';
import { reportPurchasing } from '../../storage/purchasing-report.js';
import { sendData } from '../answers.js';
import { type ApiContext, holderOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { type PurchasingJson, purchasingChange, purchasingJson } from '../schemas/admin.schema.js';

/** For whoever runs the service, not for its customers. */
export function adminRoutes({ knex }: ApiDeps): Route[] {
  async function purchasing(): Promise<PurchasingJson> {
    const pause = await findPause(knex);
    return {
      paused:
        pause === undefined
          ? null
          : { ...pause, pausedAt: pause.pausedAt.toISOString(), probeAt: pause.probeAt?.toISOString() ?? null },
      ...(await reportPurchasing(knex)),
    };
  }

  return [
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/admin/purchasing`,
      operation: 'getPurchasing',
      tag: 'Admin',
      summary: 'Get whether anything is bought at the moment',
      access: 'admin',
      success: { status: 200, body: { kind: 'data', schema: purchasingJson } },
      async handle(ctx) {
        sendData(ctx, await purchasing());
      },
    }),
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/admin/purchasing`,
      operation: 'changePurchasing',
      tag: 'Admin',
      summary: 'Pause all purchasing, or let it go on',
      description: 'A pause that is in force, and that only a person may lift, keeps its reason.',
      access: 'admin',
      json: purchasingChange,
      errors: ['WRONG_STATE'],
      success: { status: 200, body: { kind: 'data', schema: purchasingJson } },
      async handle(ctx, { body }) {
        if (body.paused) await pausePurchasing(knex, byHand(ctx, body.reason));
        else await resume(knex);
        ctx.state.log.warn({ ...body, keyId: holderOf(ctx).keyId }, 'purchasing was changed by hand');
        sendData(ctx, await purchasing());
      },
    }),
  ];
}

/** What a restored ledger has forgotten must be found first, or it is bought again. */
async function resume(knex: Knex): Promise<void> {
  const reason = await whyBehind(knex);
  if (reason !== undefined) {
    throw new ReelwrightError('WRONG_STATE', `purchasing goes on after npm run reconcile: ${reason}`);
  }
  await resumePurchasing(knex);
}

const byHand = (ctx: ApiContext, reason: string): Parameters<typeof pausePurchasing>[1] => ({
  code: 'PURCHASING_PAUSED',
  reason,
  pausedBy: `key ${holderOf(ctx).keyId}`,
  probeAfterMs: null,
});
