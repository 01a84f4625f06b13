/** The media activities without media: every row is written as by the real ones, and no byte is fetched, probed or cut. */

import type { ActivityDeps } from '../../activities/deps.js';
import { NOT_CANCELLED, NOT_STORED, requireJob, requireSubJob } from '../../activities/required-rows.js';
import { requirePurchase, settledByWebhook } from '../../activities/settle.js';
import type { MediaActivities } from '../../domain/activity-contract.js';
import { noteAttention } from '../../storage/job-attention.js';
import { lockJob, moveJob } from '../../storage/jobs-repository.js';
import { markPurchaseStored } from '../../storage/ledger-moves.js';
import { moveSubJob } from '../../storage/sub-job.js';

const VIDEO = { durationSeconds: 16, sizeBytes: 1 };

export interface StubbedMediaOptions {
  deps: ActivityDeps;
  /** What stands for every clip and every video. */
  blobId: string;
  /** Called when the fetch of a prediction's output would begin. */
  onFetch?: (predictionId: string) => void;
}

export function createStubbedMedia({ deps, blobId, onFetch }: StubbedMediaOptions): MediaActivities {
  const { knex } = deps;
  return {
    async collectOutput({ predictionId, ...generation }) {
      onFetch?.(predictionId);
      const row = await requirePurchase(deps, generation, predictionId);
      if ((await settledByWebhook(deps, row, predictionId)) === undefined) throw new Error('expected its webhook');
      const subJob = await requireSubJob(knex, row);
      await moveSubJob(knex, subJob, NOT_STORED, { status: 'storing' });
      await knex.transaction(async (trx) => {
        await lockJob(trx, subJob.jobId);
        await markPurchaseStored(trx, predictionId, blobId);
        await moveSubJob(trx, subJob, NOT_STORED, { status: 'stored', blobId, error: null, completed: true });
        await noteAttention(trx, subJob.jobId);
      });
      return { status: 'stored', predictionId };
    },
    async cutVideo(run) {
      await moveJob(knex, run, NOT_CANCELLED, { status: 'composing' });
      await requireJob(knex, run.jobId);
      await moveJob(knex, run, NOT_CANCELLED, {
        status: 'composing',
        videoBlobId: blobId,
        durationSeconds: VIDEO.durationSeconds,
      });
      return VIDEO;
    },
    makePoster: async () => ({ sizeBytes: 1 }),
    makePreviews: async () => ({ pictures: 3 }),
  };
}
