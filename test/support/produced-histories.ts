/** The histories that a test file's workflows have produced, kept until they are replayed at the file's end. */
import type { Client } from '@temporalio/client';
import type { RecordedHistory } from '../../worker/replay/replay-histories.js';

const produced: RecordedHistory[] = [];

/** Takes what is there, which is then gone. */
export const takeProduced = (): RecordedHistory[] => produced.splice(0);

/**
 * Keeps the history of every workflow of a queue: those that the server lists, and the children that stand in their
 * histories, since a list may lag behind.
 */
export async function keepProduced(client: Client, taskQueue: string): Promise<void> {
  const query = `TaskQueue = '${taskQueue}'`;
  const runs: { workflowId: string; runId?: string | undefined }[] = [];
  for await (const { workflowId, runId } of client.workflow.list({ query })) runs.push({ workflowId, runId });
  const seen = new Set(runs.map(({ runId }) => runId));
  for (const { workflowId, runId } of runs) {
    try {
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      produced.push({ workflowId, history });
      for (const event of history.events ?? []) {
        const child = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution;
        if (child?.workflowId == null || child.runId == null || seen.has(child.runId)) continue;
        seen.add(child.runId);
        runs.push({ workflowId: child.workflowId, runId: child.runId });
      }
    } catch (error) {
      // By its name: every test file loads this module, and few of them the client.
      if ((error as Error).name !== 'WorkflowNotFoundError') throw error;
    }
  }
}
