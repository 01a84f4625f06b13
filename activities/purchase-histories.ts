/** What Temporal remembers of purchases: each answer of `buy` stands in the history of its generation. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { Purchase } from '../domain/activity-contract.js';
import { type GenerationInput, WORKFLOW_TYPES } from '../domain/contract.js';

/** A purchase as a generation's history tells it. */
export type RememberedPurchase = GenerationInput & Purchase;

export interface PurchaseHistories {
  /**
   * What generations have bought that ran at any time since `since`. Purchases from before may be among them. Rejects
   * where Temporal cannot be asked.
   */
  boughtSince(since: Date): AsyncIterable<RememberedPurchase>;
}

/**
 * Reads the histories of generations, through Temporal's visibility: those that run, and those that were started or
 * ended since. A run that was started within the last seconds may not be listed yet.
 */
export function createPurchaseHistories(client: Client): PurchaseHistories {
  return {
    async *boughtSince(since) {
      const time = `"${since.toISOString()}"`;
      const query =
        `WorkflowType = '${WORKFLOW_TYPES.generation}' AND ` +
        `(ExecutionStatus = 'Running' OR StartTime >= ${time} OR CloseTime >= ${time})`;
      for await (const { workflowId, runId } of client.workflow.list({ query })) {
        try {
          yield* purchasesIn(await client.workflow.getHandle(workflowId, runId).fetchHistory());
        } catch (error) {
          // Its retention has just ended.
          if (!(error instanceof WorkflowNotFoundError)) throw error;
        }
      }
    },
  };
}

/** The answers of `buy` in one generation's history. */
export function purchasesIn({ events }: History): RememberedPurchase[] {
  const started = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  if (started == null) return [];
  const { jobId, subject } = defaultPayloadConverter.fromPayload<GenerationInput>(started);
  const buys = new Set(
    events
      ?.filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'buy')
      .map((event) => String(event.eventId)),
  );
  return (events ?? []).flatMap(({ activityTaskCompletedEventAttributes: completed }) => {
    const payload = completed?.result?.payloads?.[0];
    if (payload == null || !buys.has(String(completed?.scheduledEventId))) return [];
    return [{ jobId, subject, ...defaultPayloadConverter.fromPayload<Purchase>(payload) }];
  });
}
