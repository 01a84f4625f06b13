import { ReelwrightError } from '../../domain/errors.js';
import { jobOrder, notYetSupported } from '../../domain/orders.schema.js';
import { listJobs } from '../../storage/jobs-repository.js';
import { requireRoom } from '../../storage/store-room.js';
import { sendData, sendList } from '../answers.js';
import { ownerOf } from '../context.js';
import { definedOnly } from '../defined-only.js';
import type { ApiDeps } from '../deps.js';
import { checkOrder, placeOrder, planOrder, readJob } from '../orders/place-order.js';
import { startRun } from '../orders/start-run.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { idParams } from '../schemas/common.schema.js';
import { estimateJson, jobJson, jobsQuery, subJobsJson } from '../schemas/jobs.schema.js';
import { estimateView, jobView, subJobsView } from '../views/job-views.js';

const ORDER_ERRORS = [
  'NOT_YET_SUPPORTED',
  'ASSET_NOT_FOUND',
  'CAMPAIGN_NOT_FOUND',
  'NOT_ENOUGH_IMAGES',
  'URL_REFUSED',
  'STORAGE_FULL',
] as const;

export function jobRoutes(deps: ApiDeps): Route[] {
  const { knex, config } = deps;
  return [
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/jobs`,
      operation: 'createJob',
      tag: 'Jobs',
      summary: 'Order a video',
      description: 'The job is made at once and goes on by itself; ask for it until its status is a final one.',
      access: 'key',
      idempotent: true,
      json: jobOrder,
      screen: refuseUnsupported,
      success: { status: 202, body: { kind: 'data', schema: jobJson } },
      errors: ORDER_ERRORS,
      prepare: (_ctx, { body }) => checkOrder(deps, body),
      async handle(ctx, { body, db, afterCommit }) {
        const job = await placeOrder(db, ownerOf(ctx), body, config);
        ctx.state.jobId = job.id;
        afterCommit(() => startRun(ctx, deps, job));
        sendData(ctx, jobView(job, config), { status: 202, location: `${API_PREFIX}/jobs/${job.id}` });
      },
    }),
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/jobs/dry-run`,
      operation: 'estimateJob',
      tag: 'Jobs',
      summary: 'Get the price of an order',
      description: 'Checks all that an order is checked for, and stores nothing.',
      access: 'key',
      json: jobOrder,
      screen: refuseUnsupported,
      success: { status: 200, body: { kind: 'data', schema: estimateJson } },
      errors: ORDER_ERRORS,
      prepare: (_ctx, { body }) => checkOrder(deps, body),
      async handle(ctx, { body }) {
        const plan = await planOrder(knex, ownerOf(ctx), body);
        await requireRoom(knex, config.maxStoreBytes, plan.estimatedBytes);
        sendData(ctx, estimateView(body, plan));
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/jobs`,
      operation: 'listJobs',
      tag: 'Jobs',
      summary: 'List jobs, newest first',
      access: 'key',
      query: jobsQuery,
      success: { status: 200, body: { kind: 'list', schema: jobJson } },
      async handle(ctx, { query }) {
        const { page, limit, ...filter } = query;
        const { jobs, total } = await listJobs(knex, ownerOf(ctx), definedOnly(filter), { page, limit });
        const items = jobs.map((job) => jobView(job, config));
        sendList(ctx, items, { page, limit, total });
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/jobs/:id`,
      operation: 'getJob',
      tag: 'Jobs',
      summary: 'Get a job with its clips',
      access: 'key',
      params: idParams,
      success: { status: 200, body: { kind: 'data', schema: jobJson } },
      async handle(ctx, { params }) {
        sendData(ctx, jobView(await readJob(knex, ownerOf(ctx), params.id), config));
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/jobs/:id/sub-jobs`,
      operation: 'getSubJobs',
      tag: 'Jobs',
      summary: "Get a job's clips and how many are in which state",
      access: 'key',
      params: idParams,
      success: { status: 200, body: { kind: 'data', schema: subJobsJson } },
      async handle(ctx, { params }) {
        sendData(ctx, subJobsView(await readJob(knex, ownerOf(ctx), params.id), config));
      },
    }),
  ];
}

function refuseUnsupported(body: unknown): void {
  const refused = notYetSupported(body);
  if (refused === undefined) return;
  throw new ReelwrightError('NOT_YET_SUPPORTED', `${refused.path}: ${refused.message}`, {
    details: { path: refused.path },
  });
}
