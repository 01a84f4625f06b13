import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { SIGNALS } from '../../domain/contract.js';
import type { WebhookPorts } from '../deps.js';

/** Signals generations through the client; gives up after `deadlineMs`. Never starts a workflow. */
export function createTemporalSignaler(
  client: Client,
  { deadlineMs = 5_000 }: { deadlineMs?: number } = {},
): WebhookPorts['signal'] {
  return async (workflowId, payload) => {
    try {
      await client.withDeadline(Date.now() + deadlineMs, () =>
        client.workflow.getHandle(workflowId).signal(SIGNALS.predictionCompleted, payload),
      );
      return 'told';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return 'gone';
      throw error;
    }
  };
}
