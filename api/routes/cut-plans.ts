import { ReelwrightError } from '../../domain/errors.js';
import { findCutPlan } from '../../storage/jobs-repository.js';
import { sendData } from '../answers.js';
import { ownerOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { readJob } from '../orders/place-order.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { anyObject, idParams } from '../schemas/common.schema.js';

export function cutPlanRoutes({ knex }: ApiDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/jobs/:id/cut-plan`,
      operation: 'getCutPlan',
      tag: 'Jobs',
      summary: "Get how a job's video is cut: what is copied, what is encoded and why",
      access: 'key',
      params: idParams,
      success: { status: 200, body: { kind: 'data', schema: anyObject } },
      async handle(ctx, { params }) {
        const { id } = await readJob(knex, ownerOf(ctx), params.id);
        const plan = await findCutPlan(knex, id);
        if (plan === null) throw new ReelwrightError('NOT_FOUND', `job ${id} has not been cut yet`);
        sendData(ctx, plan);
      },
    }),
  ];
}
