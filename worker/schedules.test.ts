import { randomUUID } from 'node:crypto';
import {
  Client,
  Connection,
  type ScheduleHandle,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { ensureSchedules, SCHEDULES, type ScheduleEntry } from './schedules.js';

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
let entry: ScheduleEntry;
let schedule: ScheduleHandle;
beforeEach(() => {
  const id = randomUUID();
  taskQueue = `test-${id}`;
  const reconcile = SCHEDULES.find(({ workflowType }) => workflowType === 'reconcile') as ScheduleEntry;
  entry = { ...reconcile, scheduleId: `schedule-${id}`, workflowId: `reconcile-${id}` };
  schedule = client.schedule.getHandle(entry.scheduleId);
});
afterEach(async () => {
  for (const { workflow } of (await schedule.describe()).info.runningActions as {
    workflow: { workflowId: string };
  }[]) {
    await client.workflow.getHandle(workflow.workflowId).terminate();
  }
  await schedule.delete();
});

const ensure = (entries = [entry], selfTest = true) =>
  ensureSchedules(client, { taskQueue, selfTest, schedules: entries });

const HALF_A_MINUTE = 30_000;
const startedRuns = async (): Promise<number> => (await schedule.describe()).info.numActionsTaken;

describe('the schedule of the reconciler', () => {
  test('is made every 30 s, one run at a time, and is run at once', async () => {
    await ensure();
    const { spec, action, policies } = await schedule.describe();
    expect(spec.intervals).toMatchObject([{ every: HALF_A_MINUTE }]);
    expect(action).toMatchObject({ workflowType: 'reconcile', taskQueue });
    expect(policies).toMatchObject({ overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 60_000 });
    await vi.waitFor(async () => expect(await startedRuns()).toBe(1), { timeout: 10_000, interval: 50 });
  });

  test('is not run a second time while a run is open', async () => {
    await ensure();
    await vi.waitFor(async () => expect(await startedRuns()).toBe(1), { timeout: 10_000, interval: 50 });
    await ensure();
    await vi.waitFor(
      async () => expect((await schedule.describe()).info.numActionsSkippedOverlap).toBeGreaterThanOrEqual(1),
      { timeout: 10_000, interval: 50 },
    );
    expect(await startedRuns()).toBe(1);
  });

  test('of an older release is brought to this one, and stays paused where somebody paused it', async () => {
    await client.schedule.create({
      scheduleId: entry.scheduleId,
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
    await ensure();
    const { spec, action, policies, state } = await schedule.describe();
    expect(spec.intervals).toMatchObject([{ every: HALF_A_MINUTE }]);
    expect(action).toMatchObject({ taskQueue });
    expect(policies).toMatchObject({ overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 60_000 });
    expect(state).toMatchObject({ paused: true, note: 'maintenance' });
  });

  test('says what it is for, and a new release says it anew unless it is paused', async () => {
    await ensure();
    const described = await schedule.describe();
    expect(described.state.note).toBe(entry.about);
    expect(described.action.staticSummary).toBe(entry.about);
    await ensure([{ ...entry, about: 'something else', atStart: false }]);
    expect((await schedule.describe()).state.note).toBe('something else');
    await schedule.pause('maintenance');
    await ensure([{ ...entry, atStart: false }]);
    expect((await schedule.describe()).state).toMatchObject({ paused: true, note: 'maintenance' });
  });

  test('is one, whatever number of workers starts at once', async () => {
    await Promise.all(Array.from({ length: 6 }, () => ensure()));
    await vi.waitFor(async () => expect(await startedRuns()).toBeGreaterThanOrEqual(1), {
      timeout: 10_000,
      interval: 50,
    });
    expect((await schedule.describe()).spec.intervals).toMatchObject([{ every: HALF_A_MINUTE }]);
  });
});

describe('the schedule of the self-test', () => {
  const selfTest = (): ScheduleEntry => {
    const own = SCHEDULES.find(({ workflowType }) => workflowType === 'selfTest') as ScheduleEntry;
    return { ...own, scheduleId: entry.scheduleId };
  };

  test('is once a night, and is not run when a worker starts', async () => {
    await ensure([selfTest()]);
    const { spec, action, info } = await schedule.describe();
    expect(spec.calendars).toMatchObject([{ hour: [{ start: 3, end: 3 }], minute: [{ start: 17, end: 17 }] }]);
    expect(action).toMatchObject({ workflowType: 'selfTest', taskQueue });
    expect(info.nextActionTimes[0]?.getUTCHours()).toBe(3);
    expect(await startedRuns()).toBe(0);
  });

  test('is none where no order may be placed, and is removed where there was one', async () => {
    await ensure([selfTest()], false);
    await expect(schedule.describe()).rejects.toBeInstanceOf(ScheduleNotFoundError);
    await ensure([selfTest()]);
    await ensure([selfTest()], false);
    await expect(schedule.describe()).rejects.toBeInstanceOf(ScheduleNotFoundError);
    // What the clean-up after each test removes.
    await ensure();
  });
});

describe('the schedule of the sweep', () => {
  test('is each hour, one run at a time, and is not run when a worker starts', async () => {
    const own = SCHEDULES.find(({ workflowType }) => workflowType === 'sweepStore') as ScheduleEntry;
    await ensure([{ ...own, scheduleId: entry.scheduleId }]);
    const { spec, action, policies } = await schedule.describe();
    expect(spec.intervals).toMatchObject([{ every: 120 * HALF_A_MINUTE }]);
    expect(action).toMatchObject({ workflowType: 'sweepStore', taskQueue });
    expect(policies).toMatchObject({ overlap: ScheduleOverlapPolicy.SKIP });
    expect(await startedRuns()).toBe(0);
  });
});
