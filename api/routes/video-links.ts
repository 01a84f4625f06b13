/** Links that show a finished video to whoever holds them. */
import { ReelwrightError } from '../../domain/errors.js';
import { wrongState } from '../../storage/job-actions.js';
import { readOwnJob } from '../../storage/jobs-repository.js';
import {
  findVideoLink,
  insertVideoLink,
  listVideoLinks,
  revokeVideoLink,
  type VideoLinkRecord,
} from '../../storage/video-links.js';
import { sendData, sendList } from '../answers.js';
import { ownerOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { idParams, pageParams } from '../schemas/common.schema.js';
import { type KeptVideoLink, newVideoLink, videoLinkJson, videoLinkParams } from '../schemas/video-links.schema.js';
import { keptVideoLinkView, openingView } from '../views/video-link-views.js';

export function videoLinkRoutes({ knex, videoLinks }: ApiDeps): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/videos/:id/links`,
      operation: 'createVideoLink',
      tag: 'Videos',
      summary: 'Make a link that shows a video to whoever holds it',
      description:
        'The link opens the page at its url, and the combined video, poster, thumbnail, sprites and cues of this one job; ' +
        'to the address of each, ?token= of its videoUrl is added. It shows the present video of the job, also after ' +
        'another cut. Once it has expired it opens nothing new, but who watches by then can watch to the end, for four ' +
        'hours at most. Once it is revoked it opens nothing at all.',
      access: 'key',
      idempotent: true,
      params: idParams,
      json: newVideoLink,
      success: { status: 201, body: { kind: 'data', schema: videoLinkJson } },
      errors: ['WRONG_STATE'],
      async handle(ctx, { params, body, db }) {
        const job = await readOwnJob(db, params.id, ownerOf(ctx));
        if (job.videoBlobId === null) throw wrongState(job, 'a job with a video');
        const link = await insertVideoLink(db, { jobId: job.id, ...body });
        const location = `${API_PREFIX}/videos/${job.id}/links/${link.id}`;
        sendData(ctx, keptVideoLinkView(link), { status: 201, location });
      },
      complete: async (data: KeptVideoLink) => await openingView(data, videoLinks),
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/videos/:id/links`,
      operation: 'listVideoLinks',
      tag: 'Videos',
      summary: 'List the links to a video, expired and revoked ones too, newest first',
      access: 'key',
      params: idParams,
      query: pageParams,
      success: { status: 200, body: { kind: 'list', schema: videoLinkJson } },
      async handle(ctx, { params, query }) {
        const job = await readOwnJob(knex, params.id, ownerOf(ctx));
        const { rows, total } = await listVideoLinks(knex, job.id, query);
        const items = await Promise.all(rows.map((link) => openingView(keptVideoLinkView(link), videoLinks)));
        sendList(ctx, items, { ...query, total });
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/videos/:id/links/:linkId`,
      operation: 'getVideoLink',
      tag: 'Videos',
      summary: 'Get a link to a video, with its viewings',
      access: 'key',
      params: videoLinkParams,
      success: { status: 200, body: { kind: 'data', schema: videoLinkJson } },
      async handle(ctx, { params }) {
        const job = await readOwnJob(knex, params.id, ownerOf(ctx));
        const link = found(await findVideoLink(knex, job.id, params.linkId), job.id, params.linkId);
        sendData(ctx, await openingView(keptVideoLinkView(link), videoLinks));
      },
    }),
    defineRoute({
      method: 'delete',
      path: `${API_PREFIX}/videos/:id/links/:linkId`,
      operation: 'revokeVideoLink',
      tag: 'Videos',
      summary: 'Revoke a link: it opens nothing from the next request on',
      description: 'Repeated, the answer is the same.',
      access: 'key',
      params: videoLinkParams,
      success: { status: 200, body: { kind: 'data', schema: videoLinkJson } },
      async handle(ctx, { params }) {
        const job = await readOwnJob(knex, params.id, ownerOf(ctx));
        const link = found(await revokeVideoLink(knex, job.id, params.linkId), job.id, params.linkId);
        sendData(ctx, await openingView(keptVideoLinkView(link), videoLinks));
      },
    }),
  ];
}

function found(link: VideoLinkRecord | undefined, jobId: string, id: string): VideoLinkRecord {
  if (link === undefined) throw new ReelwrightError('NOT_FOUND', `job ${jobId} has no link ${id}`);
  return link;
}
