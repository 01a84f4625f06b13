/** What its owner may delete. Each answers with the id and the time; asked again, there is nothing of that id. */
import type { Knex } from 'knex';
import { deleteAsset } from '../../storage/delete-asset.js';
import { deleteJob } from '../../storage/delete-job.js';
import { deleteRendition } from '../../storage/delete-rendition.js';
import { sendData } from '../answers.js';
import { ownerOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { deletedJson, idParams } from '../schemas/common.schema.js';

interface Deletion {
  path: `/${string}`;
  operation: string;
  tag: 'Assets' | 'Jobs' | 'Videos';
  summary: string;
  description: string;
  /** Gives when; throws NOT_FOUND or WRONG_STATE. */
  remove(trx: Knex, ownerId: string, id: string, now: Date): Promise<Date>;
}

const DELETIONS: readonly Deletion[] = [
  {
    path: '/assets/:id',
    operation: 'deleteAsset',
    tag: 'Assets',
    summary: 'Delete an asset that no open job needs',
    description:
      'Videos that were made of it stay. Its bytes are deleted within some hours, unless something else has the same. ' +
      'While an open job may need it the answer is 409, which names the job.',
    remove: deleteAsset,
  },
  {
    path: '/jobs/:id',
    operation: 'deleteJob',
    tag: 'Jobs',
    summary: 'Delete a job that is over, with its media',
    description:
      'Its video, clips, music and exports go, and so do its prompts and its order; what it cost stays counted. A job ' +
      'that is not over, whose purchases are not settled, or of which an export or a combination is being made, is 409.',
    remove: deleteJob,
  },
  {
    path: '/exports/:id',
    operation: 'deleteExport',
    tag: 'Videos',
    summary: 'Delete an export that is over',
    description: 'The video that it was made of stays.',
    async remove(trx, ownerId, id, now) {
      await deleteRendition(trx, id, { ownerId, kind: 'export' });
      return now;
    },
  },
  {
    path: '/combined-videos/:id',
    operation: 'deleteCombinedVideo',
    tag: 'Videos',
    summary: 'Delete a combined video that is over',
    description: 'The videos that it was made of stay.',
    async remove(trx, ownerId, id, now) {
      await deleteRendition(trx, id, { ownerId, kind: 'combination' });
      return now;
    },
  },
];

export function deletionRoutes({ knex }: ApiDeps): Route[] {
  return DELETIONS.map(({ path, operation, tag, summary, description, remove }) =>
    defineRoute({
      method: 'delete',
      path: `${API_PREFIX}${path}`,
      operation,
      tag,
      summary,
      description,
      access: 'key',
      params: idParams,
      success: { status: 200, body: { kind: 'data', schema: deletedJson } },
      errors: ['WRONG_STATE'],
      async handle(ctx, { params: { id } }) {
        const deletedAt = await knex.transaction((trx) => remove(trx, ownerOf(ctx), id, ctx.state.now()));
        ctx.state.log.info({ id, operation }, 'deleted by its owner');
        sendData(ctx, { id, deletedAt: deletedAt.toISOString() });
      },
    }),
  );
}
