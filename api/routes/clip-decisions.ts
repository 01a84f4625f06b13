import { createHash, randomUUID } from 'node:crypto';
import { clipSubject, generationId } from '../../domain/contract.js';
import { ReelwrightError } from '../../domain/errors.js';
import { readClip } from '../../storage/job-actions.js';
import { sendData } from '../answers.js';
import { type ApiContext, ownerOf } from '../context.js';
import { definedOnly } from '../defined-only.js';
import type { ApiDeps } from '../deps.js';
import { checkAddresses, namedImages } from '../orders/check-images.js';
import { readJob } from '../orders/place-order.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { clipDecision, clipParams } from '../schemas/actions.schema.js';
import { jobJson } from '../schemas/jobs.schema.js';
import { jobView } from '../views/job-views.js';

export function clipDecisionRoutes(deps: ApiDeps): Route[] {
  const { knex, jobControl, config } = deps;
  return [
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/jobs/:id/clips/:number/decision`,
      operation: 'decideClip',
      tag: 'Jobs',
      summary: 'Decide about a clip that needs attention',
      description:
        'retry makes another attempt, changed as asked; skip leaves a gap in the video; fail ends the job. All but the ' +
        'decision goes with retry only. NOT_READY: send it again, with the same key so that it counts once.',
      access: 'key',
      idempotent: true,
      params: clipParams,
      json: clipDecision,
      success: { status: 202, body: { kind: 'data', schema: jobJson } },
      errors: ['WRONG_STATE', 'BUDGET_EXCEEDED', 'ASSET_NOT_FOUND', 'URL_REFUSED', 'NOT_READY'],
      async prepare(ctx, { params, body }) {
        const job = await readJob(knex, ownerOf(ctx), params.id);
        const clip = await readClip(knex, job.id, params.number);
        await checkAddresses(deps, namedImages(body));
        const workflowId = generationId(job.id, clipSubject(clip.number));
        if (clip.status === 'needs_attention') {
          await jobControl.decide(workflowId, updateIdOf(ctx), definedOnly(body));
        } else if (!(await wasDecided(ctx, workflowId))) {
          throw new ReelwrightError(
            'WRONG_STATE',
            `expected a clip that waits for a decision, seen one that is ${clip.status}`,
            { details: { expected: 'needs_attention', seen: clip.status } },
          );
        }
      },
      async handle(ctx, { params, db }) {
        sendData(ctx, jobView(await readJob(db, ownerOf(ctx), params.id), config), { status: 202 });
      },
    }),
  ];

  /** Whether this very decision was taken for a request of the same key, whose sender never got its answer. */
  async function wasDecided(ctx: ApiContext, workflowId: string): Promise<boolean> {
    if (ctx.state.idempotency === undefined) return false;
    return (await jobControl.decided(workflowId, updateIdOf(ctx))) !== undefined;
  }
}

/** The same for requests of the same owner, key and address; else one of its own. */
function updateIdOf(ctx: ApiContext): string {
  const { idempotency } = ctx.state;
  if (idempotency === undefined) return randomUUID();
  const scope = JSON.stringify([ownerOf(ctx), idempotency.route, idempotency.key]);
  return createHash('sha256').update(scope).digest('hex');
}
