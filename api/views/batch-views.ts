import { batchWorkflowId } from '../../domain/contract.js';
import type { BatchItem, BatchRecord } from '../../storage/batches-repository.js';
import type { BatchOrder, ChosenJob } from '../../storage/choose-batch.js';
import type { BatchJson, BatchPreviewJson, BatchWithResultsJson } from '../schemas/batches.schema.js';
import { type WorkflowLinks, workflowView } from './job-views.js';

export function batchView(batch: BatchRecord, links: WorkflowLinks): BatchJson {
  const { id, action, filter, requestedBy, status, error, total, done, skipped, pending, skippedFor } = batch;
  const percent = total === 0 ? (status === 'completed' ? 100 : 0) : Math.floor(((done + skipped) / total) * 100);
  return {
    id,
    action,
    filter,
    requestedBy,
    status,
    progress: { total, done, skipped, pending, percent, skippedFor },
    error,
    workflow: workflowView(batchWorkflowId(id), links),
    createdAt: batch.createdAt.toISOString(),
    updatedAt: batch.updatedAt.toISOString(),
    completedAt: batch.completedAt?.toISOString() ?? null,
  };
}

export const batchWithResultsView = (
  batch: BatchRecord,
  items: readonly BatchItem[],
  links: WorkflowLinks,
): BatchWithResultsJson => ({
  ...batchView(batch, links),
  results: items.map(({ jobId, status, code, message, finishedAt }) => ({
    jobId,
    status,
    code,
    message,
    finishedAt: finishedAt?.toISOString() ?? null,
  })),
});

export const batchPreviewView = ({ action, filter }: BatchOrder, jobs: readonly ChosenJob[]): BatchPreviewJson => ({
  action,
  filter,
  total: jobs.length,
  jobs: jobs.map(({ jobId, ownerId, name, status }) => ({ jobId, ownerId, name, status })),
});
