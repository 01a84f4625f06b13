import { ReelwrightError } from '../../domain/errors.js';
import { jobOrder, notYetSupported } from '../../domain/orders.schema.js';
import { listJobs } from '../../storage/jobs-repository.js';
import { sendData, sendList } from '../answers.js';
import { ownerOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { placeOrder, readJob } from '../orders/place-order.js';
import { startRun } from '../orders/start-run.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { idParams } from '../schemas/common.schema.js';
import { jobJson, jobsQuery, subJobsJson } from '../schemas/jobs.schema.js';
import { jobView, subJobsView } from '../views/job-views.js';

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
      json: jobOrder,
      screen: refuseUnsupported,
      success: { status: 202, body: { kind: 'data', schema: jobJson } },
      errors: ['NOT_YET_SUPPORTED', 'ASSET_NOT_FOUND', 'CAMPAIGN_NOT_FOUND', 'NOT_ENOUGH_IMAGES'],
      async handle(ctx, { body }) {
        const job = await placeOrder(knex, ownerOf(ctx), body);
        await startRun(ctx, deps, job);
        sendData(ctx, jobView(job, config), { status: 202, location: `${API_PREFIX}/jobs/${job.id}` });
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
        const { clips } = await readJob(knex, ownerOf(ctx), params.id);
        sendData(ctx, subJobsView(clips, config));
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

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The same object less what is undefined, which an optional field of the repository may not be. */
const definedOnly = <T extends object>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
