/** Whether this build can go on with a workflow that another build started: its history is run against this code. */
import type { Client } from '@temporalio/client';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import { ReelwrightError } from '../domain/errors.js';
import type { OpenRun } from './deployment-moves.js';

/** Throws WRONG_STATE with the first difference where the run's history does not replay on `workflowBundle`. */
export async function requireReplay(
  client: Client,
  workflowBundle: NonNullable<WorkerOptions['workflowBundle']>,
  { workflowId, runId }: OpenRun,
): Promise<void> {
  const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  try {
    await Worker.runReplayHistory({ workflowBundle }, history, workflowId);
  } catch (error) {
    throw new ReelwrightError(
      'WRONG_STATE',
      `${workflowId} was not moved, since it does not replay on this build: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
