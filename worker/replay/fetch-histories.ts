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

const ALL_TYPES = Object.values(WORKFLOW_TYPES);
/** A schedule starts one twice a minute, so that the newest thousand workflows of a day would hardly be anything else. */
const REPEATED_TYPES = [WORKFLOW_TYPES.reconcile];
const MOST_REPEATED = 20;

/** What runs now, was started or was closed since: by default of all workflow types of this product. */
export const querySince = (since: Date, workflowTypes: readonly string[] = ALL_TYPES): string => {
  const types = workflowTypes.map((type) => `'${type}'`);
  const time = `"${since.toISOString()}"`;
  return (
    `WorkflowType IN (${types.join(', ')}) AND ` +
    `(ExecutionStatus = 'Running' OR StartTime >= ${time} OR CloseTime >= ${time})`
  );
};

export interface HistoriesSince {
  histories: AsyncIterable<RecordedHistory>;
  /** How many workflows run now, were started or were closed since. */
  count: number;
  /** How many of them are not among the histories. */
  leftOut: number;
}

/** Histories of what runs now, was started or was closed since, the newest first: at most `most`, and of reconcilers 20 more. */
export async function historiesSince(client: Client, since: Date, most: number): Promise<HistoriesSince> {
  const parts = [
    { query: querySince(since, without(ALL_TYPES, REPEATED_TYPES)), bound: most },
    { query: querySince(since, REPEATED_TYPES), bound: MOST_REPEATED },
  ];
  const counts = await Promise.all(parts.map(async ({ query }) => (await client.workflow.count(query)).count));
  async function* histories(): AsyncGenerator<RecordedHistory> {
    for (const { query, bound } of parts) yield* historiesOf(client, query, bound);
  }
  const beyond = counts.map((count, at) => Math.max(0, count - (parts[at]?.bound ?? 0)));
  return { histories: histories(), count: sum(counts), leftOut: sum(beyond) };
}

const without = (all: readonly string[], some: readonly string[]): string[] => all.filter((one) => !some.includes(one));
const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** At most `most` histories that fit the query, the newest first. */
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
