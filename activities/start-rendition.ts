/** The one way to hand a rendition to Temporal: used by the api when it is asked for and by the reconciler after it. */
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { type RenditionInput, renditionWorkflowId, TASK_QUEUE, WORKFLOW_TYPES } from '../domain/contract.js';
import { renditionOrder } from '../domain/rendition-story.js';
import type { RenditionState } from '../domain/renditions.js';
import { renditionSummary } from '../domain/sentences.js';
import type { RenditionRecord } from '../storage/renditions-repository.js';

/** What is told to Temporal of a rendition whose row is committed. */
export type RenditionStart = Pick<
  RenditionRecord,
  'id' | 'ownerId' | 'kind' | 'name' | 'format' | 'quality' | 'sources'
>;

const TYPES = { export: WORKFLOW_TYPES.exportVideo, combination: WORKFLOW_TYPES.combineVideos };
const OWNER = defineSearchAttributeKey('ReelOwner', 'KEYWORD');
const STAGE = defineSearchAttributeKey('ReelStage', 'KEYWORD');

/**
 * Starts its workflow; harmless when that was started before, running or closed. Throws what the client throws when
 * Temporal cannot be reached: set a deadline around the call (`client.withDeadline`).
 */
export async function startRendition(
  client: Client,
  rendition: RenditionStart,
  { taskQueue = TASK_QUEUE }: { taskQueue?: string } = {},
): Promise<void> {
  const input: RenditionInput = { renditionId: rendition.id };
  try {
    await client.workflow.start(TYPES[rendition.kind], {
      workflowId: renditionWorkflowId(rendition.kind, rendition.id),
      taskQueue,
      args: [input],
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      typedSearchAttributes: new TypedSearchAttributes([
        { key: OWNER, value: rendition.ownerId },
        { key: STAGE, value: 'queued' satisfies RenditionState },
      ]),
      priority: { fairnessKey: rendition.ownerId },
      staticSummary: renditionSummary(rendition.name, whatIsMade(rendition)),
      staticDetails: renditionOrder(rendition),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** What stands behind the name, e.g. `low webm` or `3 videos`. */
const whatIsMade = ({ kind, format, quality, sources }: RenditionStart): string =>
  kind === 'export' ? `${quality} ${format}` : `${sources.length} videos`;
