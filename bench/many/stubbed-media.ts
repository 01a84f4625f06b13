/** The media activities without media: every row is written as by the real ones, and no byte is fetched, probed or cut. */

import type { ActivityDeps } from '../../activities/deps.js';
import { spentOn } from '../../activities/generation-facts.js';
import { keepOutput, takeOutput } from '../../activities/output-rows.js';
import { NOT_CANCELLED } from '../../activities/required-rows.js';
import { requirePurchase } from '../../activities/settle.js';
import type { MediaActivities, OutputActivities } from '../../domain/activity-contract.js';
import type { VideoJobInput } from '../../domain/contract.js';
import { listClips } from '../../storage/clips-repository.js';
import { type JobChange, moveJobReading } from '../../storage/job-moves.js';
import { jobColumns } from '../../storage/jobs-repository.js';

const VIDEO = { durationSeconds: 16, sizeBytes: 1 };

export interface StubbedMediaOptions {
  deps: ActivityDeps;
  /** What stands for every clip and every video. */
  blobId: string;
  /** Called when the fetch of a prediction's output would begin. */
  onFetch?: (predictionId: string) => void;
}

export function createStubbedMedia({ deps, blobId, onFetch }: StubbedMediaOptions): OutputActivities & MediaActivities {
  const { knex } = deps;
  const moveOn = (run: VideoJobInput, change: JobChange): Promise<unknown> =>
    moveJobReading(knex, run, NOT_CANCELLED, change, jobColumns(knex));
  return {
    async collectOutput({ predictionId, ...generation }) {
      onFetch?.(predictionId);
      const row = await requirePurchase(deps, generation, predictionId);
      const output = await takeOutput(deps, row, predictionId);
      await keepOutput(deps, output, { blobId, warnings: [] });
      return { status: 'stored', predictionId, ...spentOn(output.subJob) };
    },
    async cutVideo(run) {
      await moveOn(run, { status: 'composing' });
      await listClips(knex, [run.jobId]);
      await moveOn(run, { status: 'composing', cutPlan: {} });
      await moveOn(run, { status: 'composing', videoBlobId: blobId, durationSeconds: VIDEO.durationSeconds });
      return VIDEO;
    },
    makePoster: async () => ({ sizeBytes: 1 }),
    makePreviews: async () => ({ pictures: 3 }),
  };
}
