/** Finished videos in other formats and qualities. */
import { v7 as uuidv7 } from 'uuid';
import { ReelwrightError } from '../../domain/errors.js';
import { wrongState } from '../../storage/job-actions.js';
import { findJob, type JobRecord, lockJob } from '../../storage/jobs-repository.js';
import { findLivingExport, insertRendition, listRenditions } from '../../storage/renditions-repository.js';
import { requireRoom } from '../../storage/store-room.js';
import { sendData, sendList } from '../answers.js';
import { ownerOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { isFinishedVideo } from '../renditions/finished-video.js';
import { cancelRendition, readRendition, startRenditionRun } from '../renditions/run-rendition.js';
import { sendRendition } from '../renditions/send-rendition.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { idParams, pageParams, versionQuery } from '../schemas/common.schema.js';
import { exportJson, exportOrder, renditionAction } from '../schemas/renditions.schema.js';
import { exportView } from '../views/rendition-views.js';

const KIND = 'export';

export function exportRoutes(deps: ApiDeps): Route[] {
  const { knex, config } = deps;
  const location = (id: string): string => `${API_PREFIX}/exports/${id}`;
  return [
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/videos/:id/exports`,
      operation: 'exportVideo',
      tag: 'Videos',
      summary: 'Export a finished video in another format or quality',
      description:
        'The export is made in its own time; ask for it until its status is a final one. The same export of the same ' +
        'video is made once: asked for again, the one that is there is the answer. One that failed is made anew.',
      access: 'key',
      idempotent: true,
      params: idParams,
      json: exportOrder,
      success: {
        status: 202,
        body: { kind: 'data', schema: exportJson },
        unchanged: 'This export is there, or on its way, already.',
      },
      errors: ['WRONG_STATE', 'STORAGE_FULL'],
      async handle(ctx, { params, body, db, afterCommit }) {
        const ownerId = ownerOf(ctx);
        await readJob(ownerId, params.id);
        // Two requests at once would both find none.
        await lockJob(db, params.id);
        const job = await findJob(db, params.id, ownerId);
        if (job === undefined) throw notFound(params.id);
        if (!isFinishedVideo(job)) throw wrongState(job, 'a job with a finished video');
        const living = await findLivingExport(db, { jobId: job.id, sourceBlobId: job.videoBlobId, ...body });
        if (living !== undefined) {
          sendData(ctx, exportView(living, config), { status: 200, location: location(living.id) });
          return;
        }
        const id = uuidv7();
        const sources = [{ jobId: job.id, blobId: job.videoBlobId }];
        const { name } = job;
        // Seldom larger than its video.
        await requireRoom(db, config.maxStoreBytes, job.sizeBytes ?? 0);
        await insertRendition(db, { id, ownerId, kind: KIND, jobId: job.id, name, ...body, transition: null, sources });
        const rendition = await readRendition(db, ownerId, KIND, id);
        afterCommit(() => startRenditionRun(ctx, deps, rendition));
        sendData(ctx, exportView(rendition, config), { status: 202, location: location(id) });
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/videos/:id/exports`,
      operation: 'listExports',
      tag: 'Videos',
      summary: "List the exports of a job's videos, newest first",
      access: 'key',
      params: idParams,
      query: pageParams,
      success: { status: 200, body: { kind: 'list', schema: exportJson } },
      async handle(ctx, { params, query }) {
        const job = await readJob(ownerOf(ctx), params.id);
        const { renditions, total } = await listRenditions(knex, { kind: KIND, jobId: job.id }, query);
        const items = renditions.map((rendition) => exportView(rendition, config));
        sendList(ctx, items, { ...query, total });
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/exports/:id`,
      operation: 'getExport',
      tag: 'Videos',
      summary: 'Get an export, with how far it is',
      access: 'key',
      params: idParams,
      success: { status: 200, body: { kind: 'data', schema: exportJson } },
      async handle(ctx, { params }) {
        sendData(ctx, exportView(await readRendition(knex, ownerOf(ctx), KIND, params.id), config));
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/exports/:id/data`,
      operation: 'getExportData',
      tag: 'Videos',
      summary: 'Download an export',
      access: 'key',
      params: idParams,
      query: versionQuery,
      success: { status: 200, body: { kind: 'bytes', contentType: 'video/*' } },
      errors: ['MEDIA_DELETED'],
      async handle(ctx, { params, query }) {
        const rendition = await readRendition(knex, ownerOf(ctx), KIND, params.id);
        const { name, quality, format } = rendition;
        const fileName = `${name} ${quality}.${format}`;
        await sendRendition(ctx, deps, rendition, { fileName, version: query.v, attachment: true });
      },
    }),
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/exports/:id/actions`,
      operation: 'actOnExport',
      tag: 'Videos',
      summary: 'Cancel an export that is not over',
      access: 'key',
      idempotent: true,
      params: idParams,
      json: renditionAction,
      success: {
        status: 202,
        body: { kind: 'data', schema: exportJson },
        unchanged: 'The export is cancelled, or being cancelled, already.',
      },
      errors: ['WRONG_STATE'],
      async handle(ctx, { params, body: _cancel, ...unit }) {
        const status = await cancelRendition(ctx, deps, unit, { kind: KIND, id: params.id });
        const rendition = await readRendition(unit.db, ownerOf(ctx), KIND, params.id);
        sendData(ctx, exportView(rendition, config), { status });
      },
    }),
  ];

  async function readJob(ownerId: string, id: string): Promise<JobRecord> {
    const job = await findJob(knex, id, ownerId);
    if (job === undefined) throw notFound(id);
    return job;
  }
}

const notFound = (id: string): ReelwrightError => new ReelwrightError('NOT_FOUND', `there is no job ${id}`);
