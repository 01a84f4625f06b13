/** One thing done to many jobs, whoever owns them: for whoever runs the service. */
import type { Knex } from 'knex';
import { batchWorkflowId } from '../../domain/contract.js';
import {
  listBatches,
  listBatchItems,
  markBatchStarted,
  readBatch,
  requestBatchCancel,
} from '../../storage/batches-repository.js';
import { type BatchOrder, chooseJobs, findOwnerId, insertBatch } from '../../storage/choose-batch.js';
import { sendData, sendList } from '../answers.js';
import { type ApiContext, holderOf } from '../context.js';
import { definedOnly } from '../defined-only.js';
import type { ApiDeps } from '../deps.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import {
  type BatchOrderBody,
  batchAction,
  batchJson,
  batchOrder,
  batchPreviewJson,
  batchWithResultsJson,
} from '../schemas/batches.schema.js';
import { idParams, pageParams } from '../schemas/common.schema.js';
import { invalidField } from '../validation.js';
import { batchPreviewView, batchView, batchWithResultsView } from '../views/batch-views.js';

export function batchRoutes(deps: ApiDeps): Route[] {
  const { knex, config, batchStarter, jobControl } = deps;
  return [
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/admin/batches`,
      operation: 'orderBatch',
      tag: 'Admin',
      summary: 'Retry or cancel many jobs',
      description:
        'The jobs are chosen now; what becomes of each is told by `GET /admin/batches/{id}`. A job that cannot be ' +
        'retried or cancelled any more is skipped, with the code.',
      access: 'admin',
      idempotent: true,
      json: batchOrder,
      success: { status: 202, body: { kind: 'data', schema: batchJson } },
      async handle(ctx, { body, db, afterCommit }) {
        const id = await insertBatch(db, await toOrder(db, body), `key ${holderOf(ctx).keyId}`);
        const batch = await readBatch(db, id);
        afterCommit(async () => {
          try {
            await batchStarter.start(batch);
            await markBatchStarted(knex, id);
          } catch (error) {
            ctx.state.log.warn({ err: error, id }, 'the start of a batch is not certain: the reconciler repeats it');
          }
        });
        sendData(ctx, batchView(batch, config), { status: 202, location: `${API_PREFIX}/admin/batches/${id}` });
      },
    }),
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/admin/batches/dry-run`,
      operation: 'previewBatch',
      tag: 'Admin',
      summary: 'List the jobs that a batch would be about',
      access: 'admin',
      json: batchOrder,
      success: { status: 200, body: { kind: 'data', schema: batchPreviewJson } },
      async handle(ctx, { body }) {
        const order = await toOrder(knex, body);
        sendData(ctx, batchPreviewView(order, await chooseJobs(knex, order)));
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/admin/batches`,
      operation: 'listBatches',
      tag: 'Admin',
      summary: 'List batches, newest first',
      access: 'admin',
      query: pageParams,
      success: { status: 200, body: { kind: 'list', schema: batchJson } },
      async handle(ctx, { query }) {
        const { batches, total } = await listBatches(knex, query);
        const items = batches.map((batch) => batchView(batch, config));
        sendList(ctx, items, { ...query, total });
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/admin/batches/:id`,
      operation: 'getBatch',
      tag: 'Admin',
      summary: 'Get a batch, with how far it is and what became of each job',
      access: 'admin',
      params: idParams,
      success: { status: 200, body: { kind: 'data', schema: batchWithResultsJson } },
      async handle(ctx, { params }) {
        const batch = await readBatch(knex, params.id);
        sendData(ctx, batchWithResultsView(batch, await listBatchItems(knex, params.id), config));
      },
    }),
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/admin/batches/:id/actions`,
      operation: 'actOnBatch',
      tag: 'Admin',
      summary: 'Cancel a batch that is not over',
      description: 'No further job is touched; what was done stays done.',
      access: 'admin',
      idempotent: true,
      params: idParams,
      json: batchAction,
      success: {
        status: 202,
        body: { kind: 'data', schema: batchJson },
        unchanged: 'The batch is cancelled, or being cancelled, already.',
      },
      errors: ['WRONG_STATE'],
      async handle(ctx, { params, db, afterCommit }) {
        const done = await requestBatchCancel(db, params.id);
        afterCommit(() => tellCancel(ctx, params.id));
        sendData(ctx, batchView(await readBatch(db, params.id), config), { status: done === 'unchanged' ? 200 : 202 });
      },
    }),
  ];

  /** The request is kept in the batch's row, and the reconciler repeats it: a failure here is logged and not told. */
  async function tellCancel(ctx: ApiContext, id: string): Promise<void> {
    try {
      await jobControl.cancel(batchWorkflowId(id));
    } catch (error) {
      ctx.state.log.warn({ err: error, id }, 'the workflow does not know of its cancel yet: the reconciler repeats it');
    }
  }
}

/** Throws VALIDATION_FAILED where there is no owner of that id or name. */
async function toOrder(knex: Knex, { action, owner, ...filter }: BatchOrderBody): Promise<BatchOrder> {
  const ownerId = owner === undefined ? undefined : await findOwnerId(knex, owner);
  if (owner !== undefined && ownerId === undefined)
    throw invalidField('owner', 'the id or the name of an owner', owner);
  const times = 'since' in filter ? { since: utc(filter.since), until: utc(filter.until) } : {};
  return { action, filter: definedOnly({ ...filter, ...times, ownerId }) };
}

/** The same time as every answer tells it. */
const utc = (time: string | undefined): string | undefined =>
  time === undefined ? undefined : new Date(time).toISOString();
