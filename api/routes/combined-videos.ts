/** Several finished videos as one. */
import { v7 as uuidv7 } from 'uuid';
import { cutText } from '../../domain/cut-text.js';
import { lockJob } from '../../storage/jobs-repository.js';
import { insertRendition, listRenditions } from '../../storage/renditions-repository.js';
import { requireRoom } from '../../storage/store-room.js';
import { sendData, sendList } from '../answers.js';
import { ownerOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { type FinishedVideo, readFinishedVideos } from '../renditions/finished-video.js';
import { cancelRendition, readRendition, startRenditionRun } from '../renditions/run-rendition.js';
import { sendRendition } from '../renditions/send-rendition.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { idParams, pageParams, versionQuery } from '../schemas/common.schema.js';
import { combinedVideoJson, combineOrder, renditionAction } from '../schemas/renditions.schema.js';
import { combinedVideoView } from '../views/rendition-views.js';

const KIND = 'combination';
/** What is left of a name of 200 characters for the first video's. */
const MAX_FIRST_NAME = 180;

export function combinedVideoRoutes(deps: ApiDeps): Route[] {
  const { knex, config } = deps;
  const location = (id: string): string => `${API_PREFIX}/combined-videos/${id}`;
  return [
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/videos/combine`,
      operation: 'combineVideos',
      tag: 'Videos',
      summary: 'Combine finished videos into one',
      description:
        'The videos are taken as they are now, whatever becomes of their jobs. Those alike are joined without encoding; ' +
        'the others are made to fit the most common of them. Ask for it until its status is a final one.',
      access: 'key',
      idempotent: true,
      json: combineOrder,
      success: { status: 202, body: { kind: 'data', schema: combinedVideoJson } },
      errors: ['VIDEO_NOT_FOUND', 'STORAGE_FULL'],
      async handle(ctx, { body, db, afterCommit }) {
        const ownerId = ownerOf(ctx);
        await readFinishedVideos(db, ownerId, body.videoIds);
        // Found to be the owner's, and from now on their videos stay; in one order, so that two do not wait for each other.
        for (const jobId of [...new Set(body.videoIds)].sort()) await lockJob(db, jobId);
        const videos = await readFinishedVideos(db, ownerId, body.videoIds);
        await requireRoom(
          db,
          config.maxStoreBytes,
          videos.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0),
        );
        const id = uuidv7();
        await insertRendition(db, {
          id,
          ownerId,
          kind: KIND,
          jobId: null,
          name: body.name ?? defaultName(videos),
          format: 'mp4',
          quality: null,
          transition: body.transition,
          sources: videos.map((video) => ({ jobId: video.id, blobId: video.videoBlobId })),
        });
        const rendition = await readRendition(db, ownerId, KIND, id);
        afterCommit(() => startRenditionRun(ctx, deps, rendition));
        sendData(ctx, combinedVideoView(rendition, config), { status: 202, location: location(id) });
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/combined-videos`,
      operation: 'listCombinedVideos',
      tag: 'Videos',
      summary: 'List combined videos, newest first',
      access: 'key',
      query: pageParams,
      success: { status: 200, body: { kind: 'list', schema: combinedVideoJson } },
      async handle(ctx, { query }) {
        const { renditions, total } = await listRenditions(knex, { kind: KIND, ownerId: ownerOf(ctx) }, query);
        const items = renditions.map((rendition) => combinedVideoView(rendition, config));
        sendList(ctx, items, { ...query, total });
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/combined-videos/:id`,
      operation: 'getCombinedVideo',
      tag: 'Videos',
      summary: 'Get a combined video, with how far it is',
      access: 'key',
      params: idParams,
      success: { status: 200, body: { kind: 'data', schema: combinedVideoJson } },
      async handle(ctx, { params }) {
        sendData(ctx, combinedVideoView(await readRendition(knex, ownerOf(ctx), KIND, params.id), config));
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/combined-videos/:id/data`,
      operation: 'getCombinedVideoData',
      tag: 'Videos',
      summary: 'Get the file of a combined video',
      access: 'key',
      params: idParams,
      query: versionQuery,
      success: { status: 200, body: { kind: 'bytes', contentType: 'video/mp4' } },
      errors: ['MEDIA_DELETED'],
      async handle(ctx, { params, query }) {
        const rendition = await readRendition(knex, ownerOf(ctx), KIND, params.id);
        const fileName = `${rendition.name}.mp4`;
        await sendRendition(ctx, deps, rendition, { fileName, version: query.v, attachment: false });
      },
    }),
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/combined-videos/:id/actions`,
      operation: 'actOnCombinedVideo',
      tag: 'Videos',
      summary: 'Cancel a combined video that is not over',
      access: 'key',
      idempotent: true,
      params: idParams,
      json: renditionAction,
      success: {
        status: 202,
        body: { kind: 'data', schema: combinedVideoJson },
        unchanged: 'The combined video is cancelled, or being cancelled, already.',
      },
      errors: ['WRONG_STATE'],
      async handle(ctx, { params, body: _cancel, ...unit }) {
        const status = await cancelRendition(ctx, deps, unit, { kind: KIND, id: params.id });
        const rendition = await readRendition(unit.db, ownerOf(ctx), KIND, params.id);
        sendData(ctx, combinedVideoView(rendition, config), { status });
      },
    }),
  ];
}

/** E.g. "Villa Azul and 2 more". */
function defaultName([first, ...others]: readonly FinishedVideo[]): string {
  const name = cutText(first?.name ?? '', (candidate) => candidate.length <= MAX_FIRST_NAME);
  return `${name} and ${others.length} more`;
}
