import { randomUUID } from 'node:crypto';
import { describe, expect, inject, test } from 'vitest';
import { createStoreActivities } from '../activities/sweep-store.js';
import type { Swept } from '../domain/activity-contract.js';
import { createFakeProvider } from '../replicate/fake-provider.js';
import { createActivityRig } from '../test/support/activity-rig.js';
import { fakeWorld } from '../test/support/fake-world.js';
import { placeStoredJob, putBytes } from '../test/support/stored-jobs.js';
import { runWorkflowRig } from '../test/support/workflow-rig.js';
import type { sweepStore } from './index.js';

describe('sweepStore', () => {
  test('lets go of media first, then of rows, then of bytes, and gives what each step did', async () => {
    const rig = await createActivityRig();
    try {
      const store = { maxBytes: undefined, retentionDays: 5, orphanGraceMs: 0 };
      const deps = rig.deps(createFakeProvider(), { store });
      const { blobIds } = await placeStoredJob(deps.knex, deps.blobs, { ownerId: rig.ownerId, endedDaysAgo: 6 });
      await putBytes(deps.blobs, 500);
      const activities = { ...fakeWorld({ clips: 0 }).activities, ...createStoreActivities(deps) };
      await runWorkflowRig(inject('temporal'), activities, randomUUID(), async ({ client, taskQueue, jobId }) => {
        const workflowId = `sweep-store-${jobId}`;
        const swept = await client.workflow.execute<typeof sweepStore>('sweepStore', { workflowId, taskQueue });
        expect(swept).toEqual({
          expired: { jobs: 1, combinations: 0 },
          rows: { encodedClips: 0, mediaProbes: 0, answers: 0, webhooks: 0 },
          deleted: { blobs: blobIds.length + 1, bytes: blobIds.length * 1_000 + 500 },
        } satisfies Swept);
      });
      expect(await deps.knex('blobs')).toEqual([]);
    } finally {
      await rig.close();
    }
  });
});
