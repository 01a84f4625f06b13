import type { WorkflowPort, WorkflowState } from '../../activities/workflow-port.js';
import type { SettleInput } from '../../domain/contract.js';

/** A Temporal that knows of the workflows it is told of, and takes notes. */
export interface FakeWorkflows extends WorkflowPort {
  readonly states: Map<string, WorkflowState>;
  readonly described: string[];
  readonly cancelled: string[];
  readonly settlements: { input: SettleInput; workflowId: string }[];
  /** Runs before a workflow is described. */
  onDescribe?: (workflowId: string) => Promise<void>;
}

export function fakeWorkflows(): FakeWorkflows {
  const fake: FakeWorkflows = {
    states: new Map(),
    described: [],
    cancelled: [],
    settlements: [],
    async describe(workflowId) {
      await fake.onDescribe?.(workflowId);
      fake.described.push(workflowId);
      return fake.states.get(workflowId) ?? 'missing';
    },
    async cancel(workflowId) {
      fake.cancelled.push(workflowId);
    },
    async startSettlement(input, workflowId) {
      fake.settlements.push({ input, workflowId });
      fake.states.set(workflowId, 'running');
    },
  };
  return fake;
}
