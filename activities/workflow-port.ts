/** What the reconciler asks of Temporal, and the one implementation over its client. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { type SettleInput, TASK_QUEUE, WORKFLOW_TYPES } from '../domain/contract.js';
import { settleDetails, settleSummary } from '../domain/sentences.js';

export type WorkflowState = 'running' | 'closed' | 'missing';

/** Every call rejects where Temporal cannot be reached. */
export interface WorkflowPort {
  /** The latest run of this id. */
  describe(workflowId: string): Promise<WorkflowState>;
  /** Asks the running workflow to cancel; one that is gone is left alone. */
  cancel(workflowId: string): Promise<void>;
  /** Starts a settlement under this workflow id; harmless while one runs, and possible again after it. */
  startSettlement(input: SettleInput, workflowId: string): Promise<void>;
}

/** The port over the client; a call that takes longer than `deadlineMs` rejects. */
export function createWorkflowPort(
  client: Client,
  { taskQueue = TASK_QUEUE, deadlineMs = 5_000 }: { taskQueue?: string; deadlineMs?: number } = {},
): WorkflowPort {
  const bounded = <T>(call: () => Promise<T>): Promise<T> => client.withDeadline(Date.now() + deadlineMs, call);
  return {
    async describe(workflowId) {
      try {
        const { status } = await bounded(() => client.workflow.getHandle(workflowId).describe());
        return status.name === 'RUNNING' || status.name === 'PAUSED' ? 'running' : 'closed';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return 'missing';
        throw error;
      }
    },

    async cancel(workflowId) {
      try {
        await bounded(() => client.workflow.getHandle(workflowId).cancel());
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    },

    async startSettlement(input, workflowId) {
      await bounded(() =>
        client.workflow.start(WORKFLOW_TYPES.settle, {
          workflowId,
          taskQueue,
          args: [input],
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          workflowIdConflictPolicy: 'USE_EXISTING',
          staticSummary: settleSummary(input.subject, input.jobId),
          staticDetails: settleDetails(input),
        }),
      );
    },
  };
}
