import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';

/** What the Web UI lists as points to go back to: the ids of the events in which a workflow task completed. */
export async function resetPoints(client: Client, workflowId: string): Promise<number[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? [])
    .filter(({ workflowTaskCompletedEventAttributes: task }) => task != null)
    .map(({ eventId }) => Number(eventId));
}

/** Resets the latest run of a workflow to such a point, as the Web UI does. Resolves with the new run's id. */
export async function reset(client: Client, workflowId: string, eventId: number): Promise<string> {
  const { runId } = await client.workflow.getHandle(workflowId).describe();
  const answer = await client.workflowService.resetWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId, runId },
    reason: 'a test',
    workflowTaskFinishEventId: eventId as never,
    requestId: randomUUID(),
  });
  return answer.runId;
}
