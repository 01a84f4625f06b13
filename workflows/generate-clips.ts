import { CancellationScope } from '@temporalio/workflow';
import type { JobPlan } from '../domain/activity-contract.js';
import { clipSubject, type GenerationOutcome } from '../domain/contract.js';
import type { JobBoard } from './job-board.js';
import { mapBounded } from './map-bounded.js';
import { runGeneration } from './run-generation.js';

/**
 * One child workflow per clip, at most `parallelClips` at once beside those in `waiting`, which wait for a decision. The
 * first clip that fails cancels the others; all of them are waited for, because what is paid is stored.
 */
export async function generateClips(
  jobId: string,
  plan: JobPlan,
  waiting: ReadonlySet<number>,
  board: JobBoard,
): Promise<GenerationOutcome[]> {
  const scope = new CancellationScope();
  return await scope.run(() =>
    mapBounded(
      plan.clips,
      () => plan.parallelClips + waiting.size,
      async (number) => {
        const outcome = await runGeneration(jobId, clipSubject(number), scope, board);
        if (outcome.status === 'failed') scope.cancel();
        return outcome;
      },
    ),
  );
}
