import type { WorkflowFailedError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { ReelwrightError } from '../domain/errors.js';
import { withWorkflowRig } from '../test/support/shared-workflow-rig.js';
import type { AllActivities, WorkflowRig } from '../test/support/workflow-rig.js';
import type { reconcile } from './index.js';

const run = ({ client, jobId, taskQueue }: WorkflowRig) =>
  client.workflow.execute<typeof reconcile>('reconcile', { workflowId: `reconcile-${jobId}`, taskQueue, args: [] });

function world(reconcileLedger: AllActivities['reconcileLedger']) {
  const calls: string[] = [];
  const activities: Partial<AllActivities> = {
    async startOwedRuns() {
      calls.push('start');
      return { started: 2 };
    },
    async reconcileLedger() {
      calls.push('ledger');
      return await reconcileLedger();
    },
  };
  return { calls, activities: activities as AllActivities };
}

describe('reconcile', () => {
  it('starts what is owed first, then mends the ledger, and says how much of each', async () => {
    const { calls, activities } = world(async () => ({ ended: 1, settling: 3, strays: 0 }));
    await withWorkflowRig(activities, async (rig) => {
      expect(await run(rig)).toEqual({ started: 2, ended: 1, settling: 3, strays: 0 });
    });
    expect(calls).toEqual(['start', 'ledger']);
  });

  it('fails when the ledger cannot be mended, so that the next run starts what is owed', async () => {
    const { calls, activities } = world(() =>
      Promise.reject(new ReelwrightError('PROVIDER_UNAVAILABLE', 'the provider is away')),
    );
    await withWorkflowRig(activities, async (rig) => {
      const failure = (await run(rig).catch((error: unknown) => error)) as WorkflowFailedError;
      expect(failure.cause).toMatchObject({ cause: { type: 'PROVIDER_UNAVAILABLE' } });
    });
    expect(calls).toEqual(['start', 'ledger']);
  });
});
