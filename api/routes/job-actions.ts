/** What is done to a job that is there. All of it answers with the job, which goes on by itself. */
import type { Knex } from 'knex';
import type { z } from 'zod';
import { videoJobId } from '../../domain/contract.js';
import { ReelwrightError } from '../../domain/errors.js';
import { reopenForRegenerate, reopenForRetry, requestCancel, wrongState } from '../../storage/job-actions.js';
import { sendData } from '../answers.js';
import { type ApiContext, ownerOf } from '../context.js';
import { definedOnly } from '../defined-only.js';
import type { ApiDeps } from '../deps.js';
import type { UnitOfWork } from '../idempotency.js';
import { checkAddresses, namedImages } from '../orders/check-images.js';
import { readJob } from '../orders/place-order.js';
import { startRun } from '../orders/start-run.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { clipChanges, clipParams, type JobAction, jobAction } from '../schemas/actions.schema.js';
import { idParams } from '../schemas/common.schema.js';
import { jobJson } from '../schemas/jobs.schema.js';
import { jobView } from '../views/job-views.js';

export function jobActionRoutes(deps: ApiDeps): Route[] {
  const { maxStoreBytes } = deps.config;
  return [
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/jobs/:id/actions`,
      operation: 'actOnJob',
      tag: 'Jobs',
      summary: 'Approve, cancel or retry a job, or make one of its clips again',
      description:
        'cancel: a job that is not over. retry: failed or completed_with_gaps. regenerate_scene: completed or ' +
        'completed_with_gaps. approve: awaiting_approval. A cancelled job stays cancelled.',
      access: 'key',
      idempotent: true,
      params: idParams,
      json: jobAction,
      success: {
        status: 202,
        body: { kind: 'data', schema: jobJson },
        unchanged: 'The job is cancelled, or being cancelled, already.',
      },
      errors: ['WRONG_STATE', 'BUDGET_EXCEEDED', 'ASSET_NOT_FOUND', 'URL_REFUSED', 'STORAGE_FULL'],
      async prepare(_ctx, { body }) {
        if (body.action === 'regenerate_scene') await checkAddresses(deps, namedImages(body.payload, 'payload.'));
      },
      async handle(ctx, { params, body, ...unit }) {
        const status = await act(ctx, unit, params.id, body);
        await sendJob(ctx, unit.db, params.id, status);
      },
    }),
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/jobs/:id/clips/:number/regenerate`,
      operation: 'regenerateClip',
      tag: 'Jobs',
      summary: 'Make one clip of a finished video again',
      description: 'Its present version is served until the new one is stored; no other clip is bought.',
      access: 'key',
      idempotent: true,
      params: clipParams,
      json: clipChanges,
      success: { status: 202, body: { kind: 'data', schema: jobJson } },
      errors: ['WRONG_STATE', 'BUDGET_EXCEEDED', 'ASSET_NOT_FOUND', 'URL_REFUSED', 'STORAGE_FULL'],
      prepare: (_ctx, { body }) => checkAddresses(deps, namedImages(body)),
      async handle(ctx, { params, body, ...unit }) {
        await regenerate(ctx, unit, params.id, params.number, body);
        await sendJob(ctx, unit.db, params.id, 202);
      },
    }),
  ];

  /** Does what is asked and gives the status of the answer. */
  async function act(ctx: ApiContext, unit: UnitOfWork, jobId: string, action: JobAction): Promise<200 | 202> {
    switch (action.action) {
      case 'approve':
        await approve(ctx, unit.db, jobId);
        return 202;
      case 'cancel':
        return await cancel(ctx, unit, jobId);
      case 'retry':
        await reopenForRetry(unit.db, ownerOf(ctx), jobId, { ...action.payload, maxStoreBytes });
        startAfterwards(ctx, unit, jobId);
        return 202;
      case 'regenerate_scene': {
        const { clip, ...changes } = action.payload;
        await regenerate(ctx, unit, jobId, clip, changes);
        return 202;
      }
    }
  }

  async function approve(ctx: ApiContext, db: Knex, jobId: string): Promise<void> {
    const job = await readJob(db, ownerOf(ctx), jobId);
    if (job.status !== 'awaiting_approval') throw wrongState(job, 'a job that awaits approval');
    throw new ReelwrightError('NOT_YET_SUPPORTED', 'no kind of job can be approved yet');
  }

  async function cancel(ctx: ApiContext, { db, afterCommit }: UnitOfWork, jobId: string): Promise<200 | 202> {
    const done = await requestCancel(db, ownerOf(ctx), jobId);
    // Also where nothing changed: whoever asked before may have died before the workflow was told.
    afterCommit(() => tellCancel(ctx, jobId));
    return done === 'unchanged' ? 200 : 202;
  }

  /** The request is kept in the job's row, and the reconciler repeats it: a failure here is logged and not told. */
  async function tellCancel(ctx: ApiContext, jobId: string): Promise<void> {
    try {
      const told = await deps.jobControl.cancel(videoJobId(jobId));
      if (told === 'gone') ctx.state.log.info({ jobId }, 'a job was cancelled whose workflow is not running');
    } catch (error) {
      ctx.state.log.warn(
        { err: error, jobId },
        'the workflow does not know of its cancel yet: the reconciler repeats it',
      );
    }
  }

  async function regenerate(
    ctx: ApiContext,
    unit: UnitOfWork,
    jobId: string,
    number: number,
    changes: z.output<typeof clipChanges>,
  ): Promise<void> {
    await reopenForRegenerate(unit.db, ownerOf(ctx), jobId, number, definedOnly(changes), { maxStoreBytes });
    startAfterwards(ctx, unit, jobId);
  }

  function startAfterwards(ctx: ApiContext, { afterCommit }: UnitOfWork, jobId: string): void {
    afterCommit(async () => await startRun(ctx, deps, await readJob(deps.knex, ownerOf(ctx), jobId)));
  }

  async function sendJob(ctx: ApiContext, db: Knex, jobId: string, status: 200 | 202): Promise<void> {
    sendData(ctx, jobView(await readJob(db, ownerOf(ctx), jobId), deps.config), { status });
  }
}
