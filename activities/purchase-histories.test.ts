import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { generationId, SIGNALS } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { withWorkflowRig } from '../test/support/shared-workflow-rig.js';
import type { AllActivities, WorkflowRig } from '../test/support/workflow-rig.js';
import { createPurchaseHistories, type RememberedPurchase } from './purchase-histories.js';

const NEVER = { firstMs: 3_600_000, maxMs: 3_600_000, factor: 1 };

/** Every generation buys `p-<clip>`; the second clip's purchase succeeds the second time. */
function activities(): AllActivities {
  let tries = 0;
  const some: Partial<AllActivities> = {
    prepareGeneration: async () => ({ outcome: null, polling: NEVER }),
    async buy({ subject }) {
      if (subject === 'clip:2' && ++tries === 1)
        throw new ReelwrightError('PURCHASE_PENDING', 'x', { retryAfterMs: 1 });
      return { predictionId: `p-${subject}`, attempt: 1 };
    },
    collectOutput: async ({ predictionId }) => ({ status: 'stored', predictionId }),
  };
  return some as AllActivities;
}

async function start({ client, jobId, taskQueue }: WorkflowRig, number: number) {
  const subject = `clip:${number}` as const;
  return await client.workflow.start('generation', {
    workflowId: generationId(jobId, subject),
    taskQueue,
    args: [{ jobId, subject }],
  });
}

test('the histories of running and ended generations tell what each has bought, and for whom', async () => {
  await withWorkflowRig(activities(), async (rig) => {
    const since = new Date(Date.now() - 60_000);
    const histories = createPurchaseHistories(rig.client);
    const bought = async (from: Date): Promise<RememberedPurchase[]> => {
      const mine: RememberedPurchase[] = [];
      for await (const one of histories.boughtSince(from)) if (one.jobId === rig.jobId) mine.push(one);
      return mine.toSorted((a, b) => a.subject.localeCompare(b.subject));
    };
    const both = ([1, 2] as const).map((number) => ({
      jobId: rig.jobId,
      subject: `clip:${number}`,
      predictionId: `p-clip:${number}`,
      attempt: 1,
    }));
    const [first, second] = [await start(rig, 1), await start(rig, 2)];
    await vi.waitFor(async () => expect(await bought(since)).toEqual(both), { timeout: 20_000, interval: 100 });
    await first.signal(SIGNALS.predictionCompleted, { predictionId: 'p-clip:1' });
    await first.result();
    // A generation that runs may have bought at any time, whenever it was started.
    const later = new Date();
    await sleep(10);
    await vi.waitFor(async () => expect(await bought(later)).toEqual([both[1]]), { timeout: 20_000, interval: 100 });
    expect(await bought(since)).toEqual(both);
    await second.terminate();
  });
});
