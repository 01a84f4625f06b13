/** Histories from the server, one after the other. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { type SettleInput, videoJobId, WORKFLOW_TYPES } from '../../domain/contract.js';
import type { RecordedHistory } from './replay-histories.js';

/** A run of a workflow at the server. */
interface Run {
  workflowId: string;
  runId: string;
  startTime: Date;
}

/**
 * All runs of a job, of its clips and of its music, and the settlements of its purchases. Yields nothing where the server
 * knows nothing of it (any more).
 */
export async function* historiesOfJob(client: Client, jobId: string): AsyncGenerator<RecordedHistory> {
  let first: Date | undefined;
  for await (const run of client.workflow.list({ query: `WorkflowId STARTS_WITH '${videoJobId(jobId)}'` })) {
    if (first === undefined || run.startTime < first) first = run.startTime;
    yield* historyOf(client, run);
  }
  if (first === undefined) return;
  // Settlements are few, and are named after purchases.
  const query = `WorkflowType = '${WORKFLOW_TYPES.settle}' AND StartTime >= "${first.toISOString()}"`;
  for await (const run of client.workflow.list({ query })) {
    for await (const recorded of historyOf(client, run)) if (settledJob(recorded) === jobId) yield recorded;
  }
}

/** All runs of the workflow of this id. */
export async function* historiesOfWorkflow(client: Client, workflowId: string): AsyncGenerator<RecordedHistory> {
  // An id with a quotation mark in it is nobody's.
  const query = `WorkflowId = '${workflowId.replaceAll("'", '')}'`;
  for await (const run of client.workflow.list({ query })) yield* historyOf(client, run);
}

/** What runs now, was started or was closed since: of all workflow types of this product, the newest first. */
export const querySince = (since: Date): string => {
  const types = Object.values(WORKFLOW_TYPES).map((type) => `'${type}'`);
  const time = `"${since.toISOString()}"`;
  return (
    `WorkflowType IN (${types.join(', ')}) AND ` +
    `(ExecutionStatus = 'Running' OR StartTime >= ${time} OR CloseTime >= ${time})`
  );
};

/** At most `most` histories that fit the query. */
export async function* historiesOf(client: Client, query: string, most: number): AsyncGenerator<RecordedHistory> {
  let listed = 0;
  for await (const run of client.workflow.list({ query })) {
    if (listed === most) return;
    listed += 1;
    yield* historyOf(client, run);
  }
}

/** Yields nothing where the retention of the run has just ended. */
async function* historyOf(client: Client, { workflowId, runId }: Run): AsyncGenerator<RecordedHistory> {
  try {
    yield { workflowId, history: await client.workflow.getHandle(workflowId, runId).fetchHistory() };
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

function settledJob({ history }: RecordedHistory): string | undefined {
  const payload = history.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  return payload == null ? undefined : defaultPayloadConverter.fromPayload<SettleInput>(payload).jobId;
}
