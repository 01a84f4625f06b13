/** The one way to hand a batch to Temporal: used by the api and the command that orders it, and by the reconciler after them. */
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { type BatchState, batchSummary } from '../domain/batches.js';
import { type BatchInput, batchWorkflowId, TASK_QUEUE, WORKFLOW_TYPES } from '../domain/contract.js';
import type { BatchRecord } from '../storage/batches-repository.js';

/** What is told to Temporal of a batch whose row is committed. */
export type BatchStart = Pick<BatchRecord, 'id' | 'action' | 'filter' | 'total' | 'requestedBy'>;

const OWNER = defineSearchAttributeKey('ReelOwner', 'KEYWORD');
const CAMPAIGN = defineSearchAttributeKey('ReelCampaign', 'KEYWORD');
const STAGE = defineSearchAttributeKey('ReelStage', 'KEYWORD');

/**
 * Starts its workflow; harmless when that was started before, running or closed. Throws what the client throws when
 * Temporal cannot be reached: set a deadline around the call (`client.withDeadline`).
 */
export async function startBatch(
  client: Client,
  { id, action, filter, total, requestedBy }: BatchStart,
  { taskQueue = TASK_QUEUE }: { taskQueue?: string } = {},
): Promise<void> {
  const input: BatchInput = { batchId: id };
  try {
    await client.workflow.start(WORKFLOW_TYPES.batch, {
      workflowId: batchWorkflowId(id),
      taskQueue,
      args: [input],
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      typedSearchAttributes: new TypedSearchAttributes([
        ...(filter.ownerId === undefined ? [] : [{ key: OWNER, value: filter.ownerId }]),
        ...(filter.campaignId === undefined ? [] : [{ key: CAMPAIGN, value: filter.campaignId }]),
        { key: STAGE, value: 'queued' satisfies BatchState },
      ]),
      staticSummary: batchSummary(action, filter, total),
      staticDetails: `Asked for by ${requestedBy}. A cancel of this workflow stops it; what was done stays done.`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
