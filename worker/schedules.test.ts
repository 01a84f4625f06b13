import { randomUUID } from 'node:crypto';
import { Client, Connection, type ScheduleHandle, ScheduleOverlapPolicy } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { ensureReconciler, ensureSweep, type ScheduleNames } from './schedules.js';

let connection: Connection;
let client: Client;
beforeAll(async () => {
  const { address, namespace } = inject('temporal');
  connection = await Connection.connect({ address });
  client = new Client({ connection, namespace });
});
afterAll(() => connection.close());

/** Nobody polls it: a run that is triggered stays open. */
let taskQueue: string;
let names: ScheduleNames;
let schedule: ScheduleHandle;
beforeEach(() => {
  const id = randomUUID();
  taskQueue = `test-${id}`;
  names = { scheduleId: `schedule-${id}`, workflowId: `reconcile-${id}` };
  schedule = client.schedule.getHandle(names.scheduleId);
});
afterEach(async () => {
  for (const { workflow } of (await schedule.describe()).info.runningActions as {
    workflow: { workflowId: string };
  }[]) {
    await client.workflow.getHandle(workflow.workflowId).terminate();
  }
  await schedule.delete();
});

const HALF_A_MINUTE = 30_000;
const startedRuns = async (): Promise<number> => (await schedule.describe()).info.numActionsTaken;

describe('the schedule of the reconciler', () => {
  test('is made every 30 s, one run at a time, and is run at once', async () => {
    await ensureReconciler(client, taskQueue, names);
    const { spec, action, policies } = await schedule.describe();
    expect(spec.intervals).toMatchObject([{ every: HALF_A_MINUTE }]);
    expect(action).toMatchObject({ workflowType: 'reconcile', taskQueue });
    expect(policies).toMatchObject({ overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 60_000 });
    await vi.waitFor(async () => expect(await startedRuns()).toBe(1), { timeout: 10_000, interval: 50 });
  });

  test('is not run a second time while a run is open', async () => {
    await ensureReconciler(client, taskQueue, names);
    await vi.waitFor(async () => expect(await startedRuns()).toBe(1), { timeout: 10_000, interval: 50 });
    await ensureReconciler(client, taskQueue, names);
    await vi.waitFor(
      async () => expect((await schedule.describe()).info.numActionsSkippedOverlap).toBeGreaterThanOrEqual(1),
      { timeout: 10_000, interval: 50 },
    );
    expect(await startedRuns()).toBe(1);
  });

  test('of an older release is brought to this one, and stays paused where somebody paused it', async () => {
    await client.schedule.create({
      scheduleId: names.scheduleId,
      spec: { intervals: [{ every: '1h' }] },
      action: {
        type: 'startWorkflow',
        workflowType: 'reconcile',
        taskQueue: 'another',
        workflowId: 'another',
        args: [],
      },
      policies: { overlap: ScheduleOverlapPolicy.ALLOW_ALL, catchupWindow: '1y' },
      state: { paused: true, note: 'maintenance' },
    });
    await ensureReconciler(client, taskQueue, names);
    const { spec, action, policies, state } = await schedule.describe();
    expect(spec.intervals).toMatchObject([{ every: HALF_A_MINUTE }]);
    expect(action).toMatchObject({ taskQueue });
    expect(policies).toMatchObject({ overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 60_000 });
    expect(state).toMatchObject({ paused: true, note: 'maintenance' });
  });
});

describe('the schedule of the sweep', () => {
  test('is made every hour, one run at a time, and is not run at once; made again it stays as it is', async () => {
    await ensureSweep(client, taskQueue, names);
    await ensureSweep(client, taskQueue, names);
    const { spec, action, policies } = await schedule.describe();
    expect(spec.intervals).toMatchObject([{ every: 120 * HALF_A_MINUTE }]);
    expect(action).toMatchObject({ workflowType: 'sweepStore', taskQueue, workflowId: names.workflowId });
    expect(policies).toMatchObject({ overlap: ScheduleOverlapPolicy.SKIP });
    expect(await startedRuns()).toBe(0);
  });
});
