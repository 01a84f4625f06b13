import { describe, expect, it } from 'vitest';
import { type SettleInput, settleId } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import type { ProviderStatus } from '../domain/ledger.js';
import { withWorkflowRig } from '../test/support/shared-workflow-rig.js';
import type { AllActivities, WorkflowRig } from '../test/support/workflow-rig.js';
import type { settle } from './index.js';

/** The activity cannot say yet. */
const PENDING = Symbol('pending');
const polling = { firstMs: 20, maxMs: 50, factor: 1.5 };

interface World {
  /** What is found out of the purchase, attempt by attempt; the last stands. */
  resolved: (string | null | typeof PENDING)[];
  /** What the provider says, poll by poll; the last stands. */
  statuses?: ProviderStatus[];
  collect?: () => never;
}

function world({ resolved, statuses = ['succeeded'], collect }: World) {
  const calls: string[] = [];
  const next = <Item>(items: Item[]): Item => (items.length > 1 ? (items.shift() as Item) : (items[0] as Item));
  const activities: Partial<AllActivities> = {
    async resolvePurchase({ purchaseId }) {
      calls.push(`resolve ${purchaseId}`);
      const predictionId = next(resolved);
      if (predictionId === PENDING) {
        throw new ReelwrightError('PURCHASE_PENDING', 'not yet', { retryAfterMs: 10 });
      }
      return { predictionId, polling };
    },
    async pollPrediction({ predictionId }) {
      calls.push(`poll ${predictionId}`);
      return { status: next(statuses) };
    },
    async collectOutput({ jobId: _job, ...input }) {
      calls.push(`collect ${input.subject} ${input.predictionId}`);
      collect?.();
      return { status: 'stored', predictionId: input.predictionId };
    },
  };
  return { calls, activities: activities as AllActivities };
}

const run = ({ client, jobId, taskQueue }: WorkflowRig) => {
  const input: SettleInput = { jobId, subject: 'clip:1', purchaseId: 'row-1' };
  return client.workflow.execute<typeof settle>('settle', {
    workflowId: `${settleId('row-1')}-${jobId}`,
    taskQueue,
    args: [input],
  });
};

describe('settle', () => {
  it('waits by polls until the prediction has ended, and stores what it gave', async () => {
    const { calls, activities } = world({ resolved: ['p1'], statuses: ['starting', 'processing', 'succeeded'] });
    await withWorkflowRig(activities, async (rig) => {
      expect(await run(rig)).toEqual({ predictionId: 'p1', stored: true, error: null });
    });
    expect(calls).toEqual(['resolve row-1', 'poll p1', 'poll p1', 'poll p1', 'collect clip:1 p1']);
  });

  it('collects at once what has ended before', async () => {
    const { calls, activities } = world({ resolved: ['p1'] });
    await withWorkflowRig(activities, async (rig) => {
      expect((await run(rig)).stored).toBe(true);
    });
    expect(calls).toEqual(['resolve row-1', 'poll p1', 'collect clip:1 p1']);
  });

  it('asks again until it is known whether the purchase was made', async () => {
    const { calls, activities } = world({ resolved: [PENDING, PENDING, 'p1'] });
    await withWorkflowRig(activities, async (rig) => {
      expect((await run(rig)).stored).toBe(true);
    });
    expect(calls.filter((call) => call.startsWith('resolve'))).toHaveLength(3);
  });

  it('ends when nothing is to be collected', async () => {
    const { calls, activities } = world({ resolved: [null] });
    await withWorkflowRig(activities, async (rig) => {
      expect(await run(rig)).toEqual({ predictionId: null, stored: false, error: null });
    });
    expect(calls).toEqual(['resolve row-1']);
  });

  it('returns why there is no output: that is an end, and no failed workflow', async () => {
    const { activities } = world({
      resolved: ['p1'],
      statuses: ['failed'],
      collect() {
        throw new ReelwrightError('PROVIDER_REFUSED_CONTENT', 'E005 flagged as sensitive');
      },
    });
    await withWorkflowRig(activities, async (rig) => {
      expect(await run(rig)).toEqual({
        predictionId: 'p1',
        stored: false,
        error: { code: 'PROVIDER_REFUSED_CONTENT', message: 'E005 flagged as sensitive' },
      });
    });
  });
});
